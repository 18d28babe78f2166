"""A server that stands still shows in an open loop; a closed one would have hidden it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from tests.harness.load.fakes import charges, fake_bus
from tests.harness.load.virtual_time import VirtualTimeLoop, run_in_virtual_time

from outboxbench.analysis.latency import percentiles
from outboxbench.core.application.retry import RetryPolicy
from outboxbench.harness.load.arrivals import Arrivals, even_times_ns
from outboxbench.harness.load.client import run_closed_loop, run_open_loop
from outboxbench.harness.load.job import Window
from outboxbench.harness.load.recorder import Recorder
from outboxbench.results.histograms import merge, to_hdr

if TYPE_CHECKING:
    import pytest

    from outboxbench.results.block import LatencyUs

CLIENTS = 4
RATE_PER_S = 200.0
SECOND_NS = 10**9
ANSWER_NS = 1_000_000
WINDOW = Window.of(0, 0, 20 * SECOND_NS)
STALL_NS = (8 * SECOND_NS, 10 * SECOND_NS)


async def answer(loop: VirtualTimeLoop) -> None:
    """Answer after 1 ms, unless the server stands still: then as soon as it goes on."""
    began, ended = STALL_NS
    if began <= loop.now_ns() < ended:
        await loop.sleep_ns(ended - loop.now_ns())
    await loop.sleep_ns(ANSWER_NS)


def latencies(recorder: Recorder) -> LatencyUs:
    return percentiles(merge(to_hdr(counts) for counts in recorder.latency_counts["ok"]))


def longest_s(recorder: Recorder) -> list[float]:
    """The longest latency of each interval."""
    return [
        to_hdr(counts).get_max_value() / 1e6 if counts else 0.0
        for counts in recorder.latency_counts["ok"]
    ]


def open_loop() -> Recorder:
    recorder = Recorder(WINDOW, "start")

    async def work(loop: VirtualTimeLoop) -> None:
        bus = fake_bus(lambda: answer(loop))
        times_ns = even_times_ns(RATE_PER_S, WINDOW.begins_ns, WINDOW.closes_ns)
        with Arrivals(times_ns, make_alarm=loop.make_alarm, now_ns=loop.now_ns) as arrivals:
            async with asyncio.TaskGroup() as clients:
                for number in range(CLIENTS):
                    clients.create_task(
                        run_open_loop(
                            bus,
                            charges(number),
                            RetryPolicy(1),
                            recorder,
                            arrivals,
                            60 * SECOND_NS,
                            loop.now_ns,
                        )
                    )

    run_in_virtual_time(work)
    return recorder


def closed_loop(monkeypatch: pytest.MonkeyPatch) -> Recorder:
    recorder = Recorder(WINDOW)

    async def work(loop: VirtualTimeLoop) -> None:
        monkeypatch.setattr("outboxbench.harness.load.client.monotonic_ns", loop.now_ns)
        bus = fake_bus(lambda: answer(loop))
        async with asyncio.TaskGroup() as clients:
            for number in range(CLIENTS):
                clients.create_task(
                    run_closed_loop(
                        bus, charges(number), RetryPolicy(1), recorder, WINDOW.closes_ns
                    )
                )

    run_in_virtual_time(work)
    return recorder


def test_a_stall_shows_in_the_99th_percentile_and_over_time() -> None:
    recorder = open_loop()

    found = latencies(recorder)
    assert found.samples == RATE_PER_S * 20
    assert found.p99 is not None
    assert found.p99 >= 1e6
    assert WINDOW.interval_ns == SECOND_NS
    stalled = longest_s(recorder)[8:10]
    assert stalled[0] >= 2.0
    assert stalled[1] >= 1.0
    assert max(longest_s(recorder)[:8]) < 0.01


def test_a_closed_loop_would_have_hidden_it(monkeypatch: pytest.MonkeyPatch) -> None:
    recorder = closed_loop(monkeypatch)

    found = latencies(recorder)
    assert found.samples > 10_000
    assert found.p99 is not None
    assert found.p99 < 10_000
    assert found.max is not None
    assert found.max >= 2e6
