"""Which of several processes of ours is hit, and when."""

from __future__ import annotations

from typing import TYPE_CHECKING

import psutil

from outboxbench.harness.errors import CannotRun
from outboxbench.harness.faults.probes import wait_until
from outboxbench.harness.postgres.process_tree import is_gone

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from random import Random


def choose_process(pids: Sequence[int], chance: Random) -> psutil.Process | None:
    """Choose one of the processes; None where it has ended by itself.

    Raises:
        CannotRun: there is none to choose from.
    """
    if not pids:
        raise CannotRun("there is no process that could be hit: give the suite one of that kind")
    try:
        process = psutil.Process(chance.choice(pids))
    except psutil.NoSuchProcess:
        return None
    return None if is_gone(process) else process


def stop_amid(
    process: psutil.Process, in_hand: Callable[[], Sequence[str]]
) -> Sequence[str] | None:
    """Have a process stand still while it has something in hand, and return what.

    Whether it had is looked at once it stands still; where it had nothing it goes on, to be stopped
    again. Where it has nothing for too long it stands still all the same, and nothing is returned;
    None if the process is gone.
    """
    held: Sequence[str] = ()

    def is_caught() -> bool:
        nonlocal held
        if in_hand():
            _stop(process)
            held = in_hand()
            if not held:
                process.resume()
        return bool(held)

    try:
        if not wait_until(is_caught):
            _stop(process)
        return held if process.status() == psutil.STATUS_STOPPED else None
    except psutil.NoSuchProcess:
        return None


def _stop(process: psutil.Process) -> None:
    process.suspend()
    wait_until(lambda: process.status() == psutil.STATUS_STOPPED or is_gone(process))
