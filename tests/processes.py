"""The processes that a test has started, to show that none of them outlives it."""

from __future__ import annotations

from contextlib import suppress

import psutil


def started_processes() -> set[psutil.Process]:
    """Return all below this one but a server's own, which come and go as it likes."""
    found: set[psutil.Process] = set()
    for process in psutil.Process().children(recursive=True):
        with suppress(psutil.NoSuchProcess):
            parent = process.parent()
            if not (parent and process.name() == parent.name() == "postgres"):
                found.add(process)
    return found
