"""What is asynchronous is measured without the set-up of an event loop."""

from __future__ import annotations

import asyncio
from time import perf_counter_ns
from typing import TYPE_CHECKING, Any

import pytest
from bench.micro.in_one_loop import measure, measure_prepared

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_benchmark.fixture import BenchmarkFixture

pytestmark = pytest.mark.benchmark(group="event loop")

CALLS = 200
MOST_SHARE_OF_A_LOOP = 0.2


async def _nothing() -> None:
    pass


@pytest.mark.in_baseline
def test_nothing_in_one_loop(benchmark: BenchmarkFixture) -> None:
    asyncio.run(measure(benchmark, _nothing))


@pytest.mark.parametrize("how", ["called", "prepared"])
def test_the_set_up_of_a_loop_is_in_no_figure(how: str, benchmark: BenchmarkFixture) -> None:
    """Against a loop that is set up for each call, which an `asyncio.run` in it would add."""
    with_set_up_us = _typical_us(lambda: asyncio.run(_nothing()))

    async def nothing_prepared(_: Any) -> None:
        pass

    if how == "called":
        asyncio.run(measure(benchmark, _nothing))
    else:
        asyncio.run(measure_prepared(benchmark, _nothing, nothing_prepared, rounds=CALLS))
    if benchmark.stats is None:
        return
    measured_us = benchmark.stats.stats.median * 1e6
    print(f"\nnothing: {measured_us:.2f} µs in one loop, {with_set_up_us:.0f} µs with its set-up")
    assert measured_us < MOST_SHARE_OF_A_LOOP * with_set_up_us


def _typical_us(call: Callable[[], None]) -> float:
    times_ns = []
    for _ in range(CALLS):
        began_ns = perf_counter_ns()
        call()
        times_ns.append(perf_counter_ns() - began_ns)
    return sorted(times_ns)[CALLS // 2] / 1000
