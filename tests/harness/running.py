"""Whether a process still runs."""

from __future__ import annotations

import psutil


def runs(pid: int) -> bool:
    """Tell whether a process has not ended, whether or not its parent has taken note of that."""
    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False
