"""A server's processes taken together: killed, frozen and let go on all at once."""

from __future__ import annotations

import signal
import time
from contextlib import suppress

import psutil

_PATIENCE_S = 10.0
_POLL_S = 0.001


def kill_tree(pid: int) -> tuple[int, ...]:
    """Kill a process with all of its descendants, and return who is gone."""
    processes = _tree(pid)
    for process in processes:
        # The first of them would end the others by itself, but in its own time.
        with suppress(psutil.NoSuchProcess):
            process.kill()
    deadline_s = time.monotonic() + _PATIENCE_S
    # Not until their parents, or whoever adopts them, have asked for their status as well: that may
    # take seconds, in which an outage would last on.
    while not all(map(is_gone, processes)) and time.monotonic() < deadline_s:
        time.sleep(_POLL_S)
    return tuple(process.pid for process in processes if is_gone(process))


def is_gone(process: psutil.Process) -> bool:
    """Tell whether a process has ended. Its status is left to its parent to ask for."""
    try:
        return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def freeze_tree(pid: int) -> tuple[int, ...]:
    """Stop a process with all of its descendants, and return who stands still."""
    frozen: dict[int, psutil.Process] = {}
    # What was started while the others were being stopped is stopped too.
    while fresh := [each for each in _tree(pid) if each.pid not in frozen]:
        for process in fresh:
            with suppress(psutil.NoSuchProcess):
                process.send_signal(signal.SIGSTOP)
            frozen[process.pid] = process
    deadline_s = time.monotonic() + _PATIENCE_S
    # Who waits for the disk stops once that has answered.
    while not all(map(_stands_still, frozen.values())) and time.monotonic() < deadline_s:
        time.sleep(_POLL_S)
    return tuple(pid for pid, process in frozen.items() if _stands_still(process))


def thaw_tree(pid: int) -> None:
    """Let a process and all of its descendants go on."""
    for process in _tree(pid):
        with suppress(psutil.NoSuchProcess):
            process.send_signal(signal.SIGCONT)


def _stands_still(process: psutil.Process) -> bool:
    try:
        return bool(process.status() == psutil.STATUS_STOPPED)
    except psutil.NoSuchProcess:
        return True


def _tree(pid: int) -> list[psutil.Process]:
    try:
        root = psutil.Process(pid)
        return [root, *root.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []
