"""How a program of a server is asked to end: less kindly each time, and in any case."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Sequence
from typing import TypeAlias

Ladder: TypeAlias = Sequence[tuple[signal.Signals, float]]
"""How it is asked, and how many seconds it may take before it is asked less kindly."""

AT_ONCE: Ladder = ((signal.SIGQUIT, 5.0), (signal.SIGKILL, 5.0))
"""For a postmaster whose data goes with it: it need write nothing to disk any more."""

KINDLY: Ladder = ((signal.SIGINT, 20.0), *AT_ONCE)


def end(process: subprocess.Popen[bytes], ladder: Ladder) -> None:
    """End a process, and wait until it has."""
    for number, patience_s in ladder:
        if process.poll() is not None:
            return
        process.send_signal(number)
        try:
            process.wait(patience_s)
        except subprocess.TimeoutExpired:
            continue
