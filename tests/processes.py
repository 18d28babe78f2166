"""The processes that a test has started: that none outlives it, and what they let be seen."""

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


def process_tree(pid: int) -> list[psutil.Process]:
    """Return a process and all below it, a server's own among them."""
    root = psutil.Process(pid)
    return [root, *root.children(recursive=True)]


def command_line(process: psutil.Process) -> list[str]:
    """Return its arguments; of one that has just ended, as a server's own may, there are none."""
    try:
        return process.cmdline()
    except psutil.NoSuchProcess:
        return []


def environment(process: psutil.Process) -> dict[str, str]:
    """Return its variables; of one that has just ended there are none."""
    try:
        return process.environ()
    except psutil.NoSuchProcess:
        return {}
