"""Every operation is counted for the check, and those that end in the window as measured."""

from __future__ import annotations

import tracemalloc
from collections import Counter
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outboxbench.core.application.outcome import FailureKind, Outcome
from outboxbench.core.application.retry import OperationResult
from outboxbench.core.domain.payments import OpenAccount
from outboxbench.harness.load.command_mix import Request
from outboxbench.harness.load.job import Window
from outboxbench.harness.load.recorder import Recorder
from outboxbench.results import histograms
from outboxbench.results.buckets import HIGHEST_US, counts_index

OK = OperationResult(Outcome.OK, attempts=1)
CHARGE = Request("charge", OpenAccount(account_id=uuid4()), uuid4(), charged_cents=100)
OPENS_NS, CLOSES_NS = 1_000_000, 2_000_000


def recorder() -> Recorder:
    return Recorder(Window.of(0, OPENS_NS, CLOSES_NS))


def always_open() -> Recorder:
    return Recorder(Window.of(0, 0, 2**63))


def latencies(recorder: Recorder, outcome: str = "ok") -> dict[int, int]:
    total: Counter[int] = Counter()
    for counts in recorder.latency_counts[outcome]:
        total.update(counts)
    return dict(total)


@pytest.mark.parametrize(
    ("ended_ns", "counted"),
    [(OPENS_NS - 1, False), (OPENS_NS, True), (CLOSES_NS - 1, True), (CLOSES_NS, False)],
)
def test_an_operation_belongs_to_the_window_that_it_ends_in(
    ended_ns: int, *, counted: bool
) -> None:
    records = recorder()

    records.record(CHARGE, OK, 0, ended_ns)

    assert records.window_outcomes == ({"ok": 1} if counted else {})
    assert sum(latencies(records).values()) == records.attempts == counted
    assert records.outcomes == {"ok": {"charge": 1}}
    assert records.charged_cents == 100


def test_outcomes_attempts_and_failures_are_counted_by_kind() -> None:
    records = always_open()
    conflict = OperationResult(Outcome.FAILED, 10, FailureKind.VERSION_CONFLICT)
    lost = OperationResult(Outcome.INDETERMINATE, 2, FailureKind.CONNECTION)
    for result in (OK, OK, conflict, lost):
        records.record(CHARGE, result, 0, 5_000)

    assert records.window_outcomes == {"ok": 2, "failed": 1, "indeterminate": 1}
    assert records.failures == {"version_conflict": 1, "connection": 1}
    assert records.attempts == 1 + 1 + 10 + 2
    assert records.charged_cents == 200
    assert latencies(records, "indeterminate") == {5: 1}


@given(st.lists(st.integers(min_value=0, max_value=HIGHEST_US), max_size=50))
def test_latencies_are_counted_where_hdrhistogram_counts_them(latencies_us: list[int]) -> None:
    records = always_open()
    reference = histograms.empty()
    for latency_us in latencies_us:
        records.record(CHARGE, OK, 7, 7 + latency_us * 1000 + 999)
        reference.record_value(latency_us)

    assert latencies(records) == histograms.to_counts(reference)
    assert records.clamped == 0


def test_a_latency_out_of_range_is_counted_as_the_highest_and_said_to_be() -> None:
    records = always_open()

    records.record(CHARGE, OK, 0, (HIGHEST_US + 1) * 1000)

    assert latencies(records) == {counts_index(HIGHEST_US): 1}
    assert records.clamped == 1


def test_memory_does_not_grow_with_the_number_of_operations() -> None:
    records = always_open()
    steps_ns = [number * 997_003 for number in range(100)]

    def many() -> None:
        for _ in range(1000):
            for latency_ns in steps_ns:
                records.record(CHARGE, OK, 0, latency_ns)

    many()
    tracemalloc.start()
    try:
        many()
        grown_bytes, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    # 100,000 operations replace numbers that are there already; one byte for each would show.
    assert grown_bytes < 20_000
    assert records.window_outcomes["ok"] == 200_000
