"""Arrivals come at their rate whatever the answers do, and each goes to the client free first."""

from __future__ import annotations

import asyncio
from itertools import pairwise
from time import monotonic_ns

import pytest
from scipy import stats
from tests.harness.load.virtual_time import VirtualTimeLoop, run_in_virtual_time

from outboxbench.harness.load.arrivals import Arrival, Arrivals, even_times_ns, poisson_times_ns

SECOND_NS = 10**9


def test_poisson_times_have_exponential_gaps_at_the_rate() -> None:
    times_ns = list(poisson_times_ns(1000.0, 5 * SECOND_NS, 25 * SECOND_NS, "seed"))

    assert times_ns == sorted(times_ns)
    assert times_ns[0] >= 5 * SECOND_NS
    assert times_ns[-1] < 25 * SECOND_NS
    assert abs(len(times_ns) - 20_000) < 5 * 20_000**0.5
    gaps_s = [(later - earlier) / SECOND_NS for earlier, later in pairwise(times_ns)]
    assert stats.kstest(gaps_s, stats.expon(scale=1 / 1000).cdf).pvalue > 0.01


def test_the_seed_determines_poisson_times() -> None:
    def times(seed: str) -> list[int]:
        return list(poisson_times_ns(100.0, 0, SECOND_NS, seed))

    assert times("a") == times("a") != times("b")


def test_even_times_are_at_equal_distances_inside_their_bounds() -> None:
    times_ns = list(even_times_ns(300.0, 11, 11 + SECOND_NS))

    assert len(times_ns) == 300
    assert (times_ns[0], times_ns[-1]) == (11, 11 + 299 * SECOND_NS // 300)
    # A third of a nanosecond has no place among whole ones.
    gaps_ns = {later - earlier for earlier, later in pairwise(times_ns)}
    assert gaps_ns == {3_333_333, 3_333_334}


def test_even_times_of_several_workers_take_turns() -> None:
    phases = (0.0, 0.25, 0.5, 0.75)

    times_ns = sorted(
        each for phase in phases for each in even_times_ns(100.0, 7, 7 + SECOND_NS, phase)
    )

    assert times_ns == [7 + number * SECOND_NS // 400 for number in range(400)]


@pytest.mark.parametrize("clients", [1, 3])
def test_every_arrival_is_handed_out_once_and_in_order(clients: int) -> None:
    times_ns = list(poisson_times_ns(1000.0, 0, SECOND_NS, "seed"))
    taken: list[Arrival] = []

    async def work(loop: VirtualTimeLoop) -> None:
        async def client() -> None:
            while (arrival := await arrivals.take()) is not None:
                taken.append(arrival)
                await loop.sleep_ns(1_500_000)

        arrivals = Arrivals(iter(times_ns), make_alarm=loop.make_alarm, now_ns=loop.now_ns)
        with arrivals:
            async with asyncio.TaskGroup() as tasks:
                for _ in range(clients):
                    tasks.create_task(client())

    run_in_virtual_time(work)

    assert [arrival.due_ns for arrival in taken] == times_ns
    assert all(arrival.noticed_ns >= arrival.due_ns for arrival in taken)


async def test_what_is_due_is_noticed_when_the_loop_was_too_busy_for_the_alarm() -> None:
    now_ns = monotonic_ns()
    with Arrivals(iter([now_ns + 2_000_000, now_ns + 3_000_000])) as arrivals:
        while monotonic_ns() < now_ns + 4_000_000:
            pass

        first, second, none = [await arrivals.take() for _ in range(3)]

    assert first is not None
    assert second is not None
    assert (first.due_ns, second.due_ns) == (now_ns + 2_000_000, now_ns + 3_000_000)
    assert none is None


async def test_idle_clients_are_told_when_there_will_be_no_more() -> None:
    with Arrivals(iter([monotonic_ns() + 5_000_000])) as arrivals:
        taken = await asyncio.gather(arrivals.take(), arrivals.take(), arrivals.take())

    assert [arrival is None for arrival in taken] == [False, True, True]


async def test_when_it_is_stopped_what_is_due_is_handed_out_and_nothing_after() -> None:
    now_ns = monotonic_ns()
    late = now_ns + 3600 * SECOND_NS
    with Arrivals(iter([now_ns - 2, now_ns - 1, late])) as arrivals:
        assert [(await arrivals.take()), (await arrivals.take())]
        waiting = asyncio.create_task(arrivals.take())
        await asyncio.sleep(0)
        arrivals.stop()
        assert await waiting is None
        assert await arrivals.take() is None


async def test_what_was_due_when_it_was_stopped_is_not_lost() -> None:
    now_ns = monotonic_ns()
    with Arrivals(iter([now_ns - 2, now_ns - 1, now_ns + 3600 * SECOND_NS])) as arrivals:
        arrivals.stop()
        taken = [await arrivals.take() for _ in range(3)]
    assert [each.due_ns if each else None for each in taken] == [now_ns - 2, now_ns - 1, None]


async def test_what_nobody_has_taken_can_be_had_all_at_once_and_is_handed_out_no_more() -> None:
    now_ns = monotonic_ns()
    with Arrivals(iter([now_ns - 2, now_ns - 1])) as arrivals:
        arrivals.stop()
        assert [arrival.due_ns for arrival in arrivals.abandon()] == [now_ns - 2, now_ns - 1]
        assert await arrivals.take() is None
        assert arrivals.abandon() == []
