"""An alarm clock for an event loop that is exact to some microseconds.

The timers of asyncio and of uvloop wake up on whole milliseconds, which is what a database answers
in. Linux has a timer that a loop can wait for as it waits for a socket; elsewhere the loop's own
timers have to do.
"""

from __future__ import annotations

import asyncio
import ctypes
import os
import sys
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable

_NS_PER_S = 1_000_000_000
_CLOCK_MONOTONIC = 1
_NON_BLOCKING = os.O_NONBLOCK
_CLOSE_ON_EXEC = getattr(os, "O_CLOEXEC", 0)
_ABSOLUTE = 1


class Alarm(Protocol):
    """Rings once for each time that it is set, on the monotonic clock."""

    def set(self, at_ns: int) -> None:
        """Ring at this time, or at once if it has passed; forgets an earlier setting."""
        ...

    def close(self) -> None:
        """Never ring again."""
        ...


def open_alarm(ring: Callable[[], None]) -> Alarm:
    """Return an alarm that calls `ring` in the running event loop."""
    loop = asyncio.get_running_loop()
    if sys.platform == "linux":
        return _TimerAlarm(loop, ring)
    return LoopAlarm(loop, ring)


class LoopAlarm:
    """Rings with the loop's own timers, on the loop's own clock."""

    def __init__(self, loop: asyncio.AbstractEventLoop, ring: Callable[[], None]) -> None:
        self._loop = loop
        self._ring = ring
        self._handle: asyncio.TimerHandle | None = None

    def set(self, at_ns: int) -> None:
        """Ring at this time, or at once if it has passed; forgets an earlier setting."""
        self.close()
        self._handle = self._loop.call_at(at_ns / _NS_PER_S, self._ring)

    def close(self) -> None:
        """Never ring again."""
        if self._handle is not None:
            self._handle.cancel()


class _TimeSpec(ctypes.Structure):
    _fields_ = [("seconds", ctypes.c_long), ("nanoseconds", ctypes.c_long)]


class _TimerSpec(ctypes.Structure):
    _fields_ = [("interval", _TimeSpec), ("value", _TimeSpec)]


class _TimerAlarm:
    """Rings with timerfd_create(2); Python has it in `os` from 3.13 on."""

    def __init__(self, loop: asyncio.AbstractEventLoop, ring: Callable[[], None]) -> None:
        self._loop = loop
        self._ring = ring
        self._libc = ctypes.CDLL(None, use_errno=True)
        self._spec = _TimerSpec()
        self._timer = self._checked(
            self._libc.timerfd_create(_CLOCK_MONOTONIC, _NON_BLOCKING | _CLOSE_ON_EXEC)
        )
        self._is_open = True
        loop.add_reader(self._timer, self._expired)

    def set(self, at_ns: int) -> None:
        # 0 would disarm it; a time that has passed rings at once.
        self._spec.value.seconds, self._spec.value.nanoseconds = divmod(max(at_ns, 1), _NS_PER_S)
        self._checked(
            self._libc.timerfd_settime(self._timer, _ABSOLUTE, ctypes.byref(self._spec), None)
        )

    def close(self) -> None:
        if self._is_open:
            self._is_open = False
            self._loop.remove_reader(self._timer)
            os.close(self._timer)

    def _expired(self) -> None:
        try:
            os.read(self._timer, 8)
        except BlockingIOError:
            # Set anew between its expiry and this call.
            return
        self._ring()

    def _checked(self, result: int) -> int:
        if result < 0:
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number))
        return result
