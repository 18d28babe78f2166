"""Holds what is on its way for the time that a network would take for it, in one direction.

All that a process passes on takes the same time, so one line serves all its connections, both ways:
what was put in first is due first.
"""

from __future__ import annotations

from collections import deque
from time import monotonic_ns
from typing import TYPE_CHECKING, Final

from outboxbench.harness.alarm import open_alarm

if TYPE_CHECKING:
    from collections.abc import Callable

_NS_PER_MS: Final = 1_000_000

# A process that sleeps wakes up late, on virtual machines by tens of microseconds, so the alarm is
# set earlier by what nine in ten rings are late at least; one that comes too early is waited out
# in place. The steps down and up are as nine to one, which is what leads there.
_LEAD_DOWN_NS: Final = 4_500
_LEAD_UP_NS: Final = 500
_MOST_LEAD_NS: Final = 50_000


class DelayLine:
    """Usable as a context manager, inside a running loop. Without a delay it sets no alarm."""

    def __init__(self, rtt_ms: float) -> None:
        self._delay_ns = round(rtt_ms * _NS_PER_MS / 2)
        self._under_way: deque[tuple[int, Callable[[bytes], None], bytes]] = deque()
        self._alarm = open_alarm(self._ring) if self._delay_ns else None
        self._lead_ns = 0

    def __enter__(self) -> DelayLine:
        return self

    def __exit__(self, *_: object) -> None:
        if self._alarm is not None:
            self._alarm.close()

    def put(self, deliver: Callable[[bytes], None], data: bytes) -> None:
        """Call `deliver` with the data half a round trip from now, never earlier."""
        if self._alarm is None:
            deliver(data)
            return
        due_ns = monotonic_ns() + self._delay_ns
        self._under_way.append((due_ns, deliver, data))
        if len(self._under_way) == 1:
            self._set_alarm(due_ns)

    def _set_alarm(self, due_ns: int) -> None:
        assert self._alarm is not None
        self._alarm.set(due_ns - self._lead_ns)

    def _ring(self) -> None:
        """Hand out what is due, and wake up for what comes next."""
        due_ns = self._under_way[0][0]
        if monotonic_ns() < due_ns:
            self._lead_ns = max(0, self._lead_ns - _LEAD_DOWN_NS)
            while monotonic_ns() < due_ns:
                pass
        else:
            self._lead_ns = min(_MOST_LEAD_NS, self._lead_ns + _LEAD_UP_NS)
        while self._under_way:
            due_ns, deliver, data = self._under_way[0]
            if monotonic_ns() < due_ns:
                self._set_alarm(due_ns)
                return
            self._under_way.popleft()
            deliver(data)
