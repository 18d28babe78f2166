"""CPU that the server's processes used, read from outside them."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class ProcessTreeCpu:
    """CPU seconds used so far by a process and by each of its children, by pid."""

    seconds: Mapping[int, float]


def process_cpu_seconds(pid: int) -> float | None:
    """Return the CPU seconds that a process used so far, in all its threads, ended ones too.

    None if there is no such process, or if it may not be looked at.
    """
    # Linux keeps a clock for every process, with nanoseconds and readable by anyone; its number
    # is made of the pid as clock_getcpuclockid(3) does. /proc/<pid>/schedstat would know only
    # the first thread, /proc/<pid>/stat only hundredths of a second.
    try:
        return time.clock_gettime(~pid << 3 | 2)
    except OSError:
        pass
    try:
        times = psutil.Process(pid).cpu_times()
    except psutil.Error:
        return None
    return times.user + times.system


def server_cpu_seconds(postmaster_pid: int | None) -> ProcessTreeCpu | None:
    """Return the CPU seconds of a server: the postmaster and its children, which are all of it.

    None if the pid is unknown (a server that is not ours) or no longer runs.
    """
    if postmaster_pid is None:
        return None
    pids = (postmaster_pid, *_children(postmaster_pid))
    known = {pid: seconds for pid in pids if (seconds := process_cpu_seconds(pid)) is not None}
    return ProcessTreeCpu(known) if postmaster_pid in known else None


def _children(pid: int) -> list[int]:
    # One small file where the kernel has it; psutil reads all of /proc instead.
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text()
        return [int(child) for child in children.split()]
    except OSError:
        pass
    try:
        return [child.pid for child in psutil.Process(pid).children()]
    except psutil.Error:
        return []


def cpu_between(before: ProcessTreeCpu | None, after: ProcessTreeCpu | None) -> float | None:
    """Return the CPU seconds used between two readings; None if either is.

    A process that appeared counts in full, one that disappeared up to where it was last seen. A
    pid given to another process meanwhile shows less CPU than before, and counts in full too.
    """
    if before is None or after is None:
        return None
    total = 0.0
    for pid, seconds in after.seconds.items():
        earlier = before.seconds.get(pid, 0.0)
        total += seconds - earlier if earlier <= seconds else seconds
    return total
