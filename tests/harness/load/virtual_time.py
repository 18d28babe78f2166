"""An event loop whose clock jumps to whatever is due next: hours pass in no time, and exactly."""

from __future__ import annotations

import asyncio
import selectors
from typing import TYPE_CHECKING, Any

from outboxbench.harness.alarm import LoopAlarm

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from outboxbench.harness.alarm import Alarm


class VirtualTimeLoop(asyncio.SelectorEventLoop):
    """Sleeps take no time; the clock counts whole nanoseconds."""

    def __init__(self) -> None:
        super().__init__(_JumpingSelector(self))
        self._now_ns = 0
        # Less than a nanosecond, so that only timers that are due exactly now ring.
        self._clock_resolution = 1e-10

    def time(self) -> float:
        return self._now_ns / 1e9

    def now_ns(self) -> int:
        return self._now_ns

    def jump_to_next_timer(self) -> None:
        timers = [handle.when() for handle in self._scheduled if not handle.cancelled()]  # type: ignore[attr-defined]
        if timers:
            due_s = min(timers)
            self._now_ns = max(self._now_ns, round(due_s * 1e9))
            # A timer between two nanoseconds rings at the second one: it would never at the first.
            self._now_ns += self.time() + self._clock_resolution <= due_s

    def make_alarm(self, ring: Callable[[], None]) -> Alarm:
        return LoopAlarm(self, ring)

    async def sleep_ns(self, duration_ns: int) -> None:
        woken = self.create_future()
        self.call_at((self._now_ns + duration_ns) / 1e9, woken.set_result, None)
        await woken


class _JumpingSelector(selectors.SelectSelector):
    def __init__(self, loop: VirtualTimeLoop) -> None:
        super().__init__()
        self._loop = loop

    def select(self, timeout: float | None = None) -> list[Any]:
        ready = super().select(0)
        if not ready and (timeout is None or timeout > 0):
            self._loop.jump_to_next_timer()
        return ready


def run_in_virtual_time(work: Callable[[VirtualTimeLoop], Coroutine[Any, Any, None]]) -> None:
    """Run a coroutine function that takes the loop."""
    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        loop = runner.get_loop()
        assert isinstance(loop, VirtualTimeLoop)
        runner.run(work(loop))
