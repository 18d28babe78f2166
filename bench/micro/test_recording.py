"""What it costs to record an operation, and that memory does not grow with their number."""

from __future__ import annotations

import tracemalloc
from typing import TYPE_CHECKING
from uuid import UUID

from outboxbench.core.application.outcome import Outcome
from outboxbench.core.application.retry import OperationResult
from outboxbench.core.domain.payments import OpenAccount
from outboxbench.harness.load.command_mix import Request
from outboxbench.harness.load.job import Window
from outboxbench.harness.load.recorder import Recorder

if TYPE_CHECKING:
    from pytest_benchmark.fixture import BenchmarkFixture

MOST_US = 1.0
RECORDS = 1000
REQUEST = Request("charge", OpenAccount(account_id=UUID(int=1)), UUID(int=2), 5)
OK = OperationResult(Outcome.OK, attempts=1)


def test_recording_an_operation_costs_at_most_a_microsecond(benchmark: BenchmarkFixture) -> None:
    recorder = Recorder(Window.of(0, 0, 2**62))

    def record() -> None:
        for number in range(RECORDS):
            recorder.record(REQUEST, OK, 0, number * 7919)

    benchmark(record)
    if benchmark.stats is not None:
        cost_us = benchmark.stats.stats.median / RECORDS * 1e6
        print(f"\nrecording one operation: {cost_us:.3f} µs")
        assert cost_us <= MOST_US


def test_memory_does_not_grow_with_the_length_of_a_run() -> None:
    recorder = Recorder(Window.of(0, 0, 2**62))

    def record_many() -> None:
        for number in range(200 * RECORDS):
            recorder.record(REQUEST, OK, 0, number * 7919)

    # A bucket takes memory from its first operation on, but there are only so many.
    record_many()
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        record_many()
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    # Not half a byte an operation: a list of latencies would take megabytes.
    assert after - before < 100_000
