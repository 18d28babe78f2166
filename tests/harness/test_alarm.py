"""Alarms ring once, never early, and not when they were set anew or closed."""

from __future__ import annotations

import asyncio
from time import monotonic_ns
from typing import TYPE_CHECKING

import pytest
import uvloop

from outboxbench.harness.alarm import LoopAlarm, open_alarm

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from outboxbench.harness.alarm import Alarm

    OpenAlarm = Callable[[Callable[[], None]], Alarm]


def of_the_loop(ring: Callable[[], None]) -> Alarm:
    return LoopAlarm(asyncio.get_running_loop(), ring)


kinds = pytest.mark.parametrize("open_one", [open_alarm, of_the_loop])
loops = pytest.mark.parametrize("loop", [asyncio.new_event_loop, uvloop.new_event_loop])


def run(work: Coroutine[None, None, None], loop: Callable[[], asyncio.AbstractEventLoop]) -> None:
    with asyncio.Runner(loop_factory=loop) as runner:
        runner.run(work)


@kinds
@loops
def test_it_rings_once_and_not_before_its_time(
    open_one: OpenAlarm, loop: Callable[[], asyncio.AbstractEventLoop]
) -> None:
    async def work() -> None:
        rung: list[int] = []
        due = monotonic_ns() + 5_000_000
        alarm = open_one(lambda: rung.append(monotonic_ns()))
        alarm.set(due)
        await asyncio.sleep(0.05)
        alarm.close()
        assert len(rung) == 1
        # uvloop rounds its own timers to the nearest millisecond.
        assert rung[0] >= due - 1_000_000

    run(work(), loop)


@kinds
@loops
def test_a_time_that_has_passed_rings_at_once(
    open_one: OpenAlarm, loop: Callable[[], asyncio.AbstractEventLoop]
) -> None:
    async def work() -> None:
        rung = asyncio.Event()
        alarm = open_one(rung.set)
        alarm.set(0)
        await asyncio.wait_for(rung.wait(), 10)
        alarm.close()

    run(work(), loop)


@kinds
@loops
def test_only_the_last_setting_counts(
    open_one: OpenAlarm, loop: Callable[[], asyncio.AbstractEventLoop]
) -> None:
    async def work() -> None:
        rung: list[int] = []
        alarm = open_one(lambda: rung.append(monotonic_ns()))
        alarm.set(monotonic_ns() + 2_000_000)
        due = monotonic_ns() + 30_000_000
        alarm.set(due)
        await asyncio.sleep(0.08)
        alarm.close()
        assert len(rung) == 1
        assert rung[0] >= due - 1_000_000

    run(work(), loop)


@kinds
@loops
def test_a_closed_one_never_rings(
    open_one: OpenAlarm, loop: Callable[[], asyncio.AbstractEventLoop]
) -> None:
    async def work() -> None:
        rung: list[int] = []
        alarm = open_one(lambda: rung.append(monotonic_ns()))
        alarm.set(monotonic_ns() + 2_000_000)
        alarm.close()
        alarm.close()
        await asyncio.sleep(0.02)
        assert rung == []

    run(work(), loop)
