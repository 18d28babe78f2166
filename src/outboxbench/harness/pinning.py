"""Keeps the two sides of a measurement on different cores, so that neither takes the other's."""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING, Literal, TypeAlias

import psutil

from outboxbench.results.machine import Pinning

if TYPE_CHECKING:
    from collections.abc import Sequence

PinMode: TypeAlias = Literal["none", "auto"]


def plan_pinning(mode: PinMode, *, workers: int, owns_server: bool) -> Pinning:
    """Say who goes where; nobody is pinned where that was not asked for, or cannot be done.

    Each client process of an arm gets a core, as long as at least half of them are the server's.
    A server that is not ours is left alone.
    """
    if mode == "none" or not hasattr(os, "sched_getaffinity"):
        return Pinning()
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) < 2:
        return Pinning()
    for_clients = min(workers, len(cores) // 2)
    return Pinning(
        server_cores=tuple(cores[:-for_clients]) if owns_server else None,
        client_cores=tuple(cores[-for_clients:]),
    )


def pin(pid: int, cores: Sequence[int] | None) -> None:
    """Keep a process on some cores, and its children, also those that it will have."""
    if cores is None:
        return
    _pin_alone(pid, cores)
    # Only now: one that is born before its parent is pinned would inherit nothing.
    for child in _children(pid):
        _pin_alone(child, cores)


def cores_of(pid: int) -> tuple[int, ...] | None:
    """Return the cores that a process may run on; None where nobody can tell."""
    if not hasattr(os, "sched_getaffinity"):
        return None
    try:
        return tuple(sorted(os.sched_getaffinity(pid)))
    except ProcessLookupError:
        return None


def _pin_alone(pid: int, cores: Sequence[int]) -> None:
    # It may have ended meanwhile.
    with contextlib.suppress(ProcessLookupError):
        os.sched_setaffinity(pid, cores)


def _children(pid: int) -> list[int]:
    try:
        return [child.pid for child in psutil.Process(pid).children(recursive=True)]
    except psutil.NoSuchProcess:
        return []
