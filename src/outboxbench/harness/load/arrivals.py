"""When the operations of an open loop are due, and who takes them.

The rate does not depend on how fast the answers come, so a server that stalls is asked on, and what
it makes wait shows in the latencies. Arrivals are served in the order in which they were due, each
by the client that is free first.
"""

from __future__ import annotations

import asyncio
from collections import deque
from random import Random
from time import monotonic_ns
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias

from outboxbench.harness.alarm import open_alarm

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from outboxbench.harness.alarm import Alarm
    from outboxbench.harness.load.job import OpenLoad, Window

ArrivalProcess: TypeAlias = Literal["poisson", "even"]

_NS_PER_S = 1_000_000_000


class Arrival(NamedTuple):
    """An operation that is due, and when the generator saw that it was."""

    due_ns: int
    noticed_ns: int


def poisson_times_ns(rate_per_s: float, begins_ns: int, closes_ns: int, seed: str) -> Iterator[int]:
    """Yield the times of a Poisson process: independent users, who come in bursts and lulls."""
    gap_s = Random(seed).expovariate  # noqa: S311 - load, no secret
    due_ns = float(begins_ns)
    while (due_ns := due_ns + gap_s(rate_per_s) * _NS_PER_S) < closes_ns:
        yield int(due_ns)


def even_times_ns(
    rate_per_s: float, begins_ns: int, closes_ns: int, phase: float = 0.0
) -> Iterator[int]:
    """Yield times at equal distances.

    Args:
        rate_per_s: how many there are in a second.
        begins_ns: where the first distance begins.
        closes_ns: the end of the last.
        phase: how much of a distance passes before the first; several workers take turns with it.
    """
    number = 0
    while (due_ns := begins_ns + int((number + phase) * _NS_PER_S / rate_per_s)) < closes_ns:
        yield due_ns
        number += 1


def arrival_times_ns(load: OpenLoad, window: Window) -> Iterator[int]:
    """Yield when operations are due, from where the clients begin to the end of the window."""
    begins_ns, closes_ns = window.begins_ns, window.closes_ns
    match load.process:
        case "poisson":
            return poisson_times_ns(load.rate_per_s, begins_ns, closes_ns, load.seed)
        case "even":
            return even_times_ns(load.rate_per_s, begins_ns, closes_ns, load.phase)


class Arrivals:
    """Hands every arrival to a client. Usable as a context manager, inside a running loop."""

    def __init__(
        self,
        times_ns: Iterator[int],
        *,
        make_alarm: Callable[[Callable[[], None]], Alarm] = open_alarm,
        now_ns: Callable[[], int] = monotonic_ns,
    ) -> None:
        self._times_ns = times_ns
        self._now_ns = now_ns
        self._next_ns = next(times_ns, None)
        self._untaken: deque[Arrival] = deque()
        self._idle: deque[asyncio.Future[Arrival | None]] = deque()
        self._alarm = make_alarm(self._notice)

    def __enter__(self) -> Arrivals:
        self._notice()
        return self

    def __exit__(self, *_: object) -> None:
        self._alarm.close()

    def stop(self) -> None:
        """Let nothing more become due; what is due already is still handed out."""
        self._notice()
        self._next_ns = None
        self._notice()

    def abandon(self) -> list[Arrival]:
        """Return what is due and nobody has taken, and hand it out to nobody any more."""
        untaken = list(self._untaken)
        self._untaken.clear()
        return untaken

    async def take(self) -> Arrival | None:
        """Wait for the next arrival that nobody has taken; None when there will be none."""
        if self._next_ns is not None and self._next_ns <= self._now_ns():
            # The loop was too busy for the alarm.
            self._notice()
        if self._untaken:
            return self._untaken.popleft()
        if self._next_ns is None:
            return None
        waiter: asyncio.Future[Arrival | None] = asyncio.get_running_loop().create_future()
        self._idle.append(waiter)
        return await waiter

    def _notice(self) -> None:
        """Hand out what is due, and wake up for what comes next."""
        now_ns = self._now_ns()
        while self._next_ns is not None and self._next_ns <= now_ns:
            arrival = Arrival(self._next_ns, now_ns)
            if self._idle:
                self._hand(arrival)
            else:
                self._untaken.append(arrival)
            self._next_ns = next(self._times_ns, None)
        if self._next_ns is not None:
            self._alarm.set(self._next_ns)
            return
        while self._idle:
            self._hand(None)

    def _hand(self, arrival: Arrival | None) -> None:
        waiter = self._idle.popleft()
        # Where one client fails the others are cancelled, and nobody serves arrivals any more.
        if not waiter.done():
            waiter.set_result(arrival)
