"""Who waits at the door hears a ring that came before, and many rings once."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from tests.harness.load.virtual_time import run_in_virtual_time

from outboxbench.core.application.doorbell import Doorbell

if TYPE_CHECKING:
    from tests.harness.load.virtual_time import VirtualTimeLoop

BOUND_S = 3600.0


async def waited_s(doorbell: Doorbell, loop: VirtualTimeLoop) -> float:
    """Return how long a wait takes."""
    began_s = loop.time()
    await doorbell.wait(BOUND_S)
    return loop.time() - began_s


def test_a_ring_before_the_wait_is_not_lost() -> None:
    async def work(loop: VirtualTimeLoop) -> None:
        doorbell = Doorbell()
        doorbell.ring()
        await asyncio.sleep(5)
        assert await waited_s(doorbell, loop) == 0

    run_in_virtual_time(work)


def test_a_ring_during_the_wait_ends_it_at_once() -> None:
    async def work(loop: VirtualTimeLoop) -> None:
        doorbell = Doorbell()
        loop.call_later(5, doorbell.ring)
        assert await waited_s(doorbell, loop) == 5

    run_in_virtual_time(work)


def test_a_ring_wakes_everybody_who_waits() -> None:
    async def work(loop: VirtualTimeLoop) -> None:
        doorbell = Doorbell()
        loop.call_later(5, doorbell.ring)
        waits = await asyncio.gather(*(waited_s(doorbell, loop) for _ in range(3)))
        assert waits == [5, 5, 5]

    run_in_virtual_time(work)


def test_where_nothing_rings_the_wait_ends_with_its_bound() -> None:
    async def work(loop: VirtualTimeLoop) -> None:
        assert await waited_s(Doorbell(), loop) == BOUND_S

    run_in_virtual_time(work)


def test_after_silence_only_a_new_ring_ends_a_wait() -> None:
    async def work(loop: VirtualTimeLoop) -> None:
        doorbell = Doorbell()
        doorbell.ring()
        doorbell.silence()
        assert await waited_s(doorbell, loop) == BOUND_S
        doorbell.ring()
        assert await waited_s(doorbell, loop) == 0

    run_in_virtual_time(work)


def test_many_rings_are_one() -> None:
    async def work(loop: VirtualTimeLoop) -> None:
        doorbell = Doorbell()
        for _ in range(100):
            doorbell.ring()
        assert await waited_s(doorbell, loop) == 0
        doorbell.silence()
        assert await waited_s(doorbell, loop) == BOUND_S

    run_in_virtual_time(work)


def test_a_wait_leaves_no_ring_behind_and_takes_none_away() -> None:
    async def work(loop: VirtualTimeLoop) -> None:
        doorbell = Doorbell()
        assert [await waited_s(doorbell, loop) for _ in range(2)] == [BOUND_S, BOUND_S]
        loop.call_later(5, doorbell.ring)
        assert [await waited_s(doorbell, loop) for _ in range(2)] == [5, 0]

    run_in_virtual_time(work)
