from __future__ import annotations

import random

import pytest
from tests.analysis.history.synthetic import Past

from outboxbench.analysis.history.over_time import CELLS_PER_DECADE, MOMENTS, OverTime, over_time


def read(past: Past, max_wait_s: float = 0.1) -> OverTime:
    return over_time(past.lines(), past.availability().timeline, max_wait_s)


def backlog_at(read: OverTime, moment_ms: float) -> int:
    return read.backlog[int((moment_ms / 1000 - read.begins_s) / read.step_s)]


def test_an_operation_is_a_point_where_it_was_due_as_high_as_it_took() -> None:
    past = Past()
    past.attempt(100, 150, "ok")
    past.attempt(200, 450, "failed", began_ns=300_000_000)

    points = read(past).points

    assert list(points["ok"].due_s) == [0.1]
    assert list(points["ok"].latency_ms) == [50.0]
    # From when it was due, not from when a client had time for it.
    assert list(points["failed"].latency_ms) == [250.0]


def test_what_succeeded_is_thinned_and_what_did_not_is_kept() -> None:
    past = Past()
    for number in range(20_000):
        past.attempt(number * 0.1, number * 0.1 + 2, "ok")
        if number % 10 == 0:
            past.attempt(number * 0.1, number * 0.1 + 2, "failed")

    points = read(past).points

    assert len(points["failed"].due_s) == 2_000
    assert MOMENTS / 2 < len(points["ok"].due_s) <= MOMENTS
    assert points["ok"].due_s[0] == 0


def test_slow_operations_are_not_thinned_out_by_quick_ones_beside_them() -> None:
    past = Past()
    for number in range(10_000):
        past.attempt(number, number + (500 if number == 5_000 else 2), "ok")

    slow = [each for each in read(past).points["ok"].latency_ms if each > 100]

    assert slow == [500.0]


def test_thinning_keeps_the_same_points_each_time_and_the_range_of_latencies() -> None:
    draw = random.Random(3)
    past = Past()
    for number in range(5_000):
        past.attempt(number * 0.1, number * 0.1 + 10 ** draw.uniform(0, 3), "ok")
    latencies = [(each.ended_ns or 0) - each.due_ns for each in past.attempts]

    first, second = read(past), read(past)

    assert first == second
    kept = first.points["ok"].latency_ms
    cell = 10 ** (1 / CELLS_PER_DECADE)
    assert max(kept) * 1e6 * cell >= max(latencies)
    assert min(kept) * 1e6 / cell <= min(latencies)


def test_the_backlog_is_what_was_due_and_has_not_ended() -> None:
    past = Past()
    past.attempt(0, 1000)
    past.attempt(200, 600)
    past.attempt(400, None, None)
    past.attempt(999, 999.5)

    seen = read(past)

    assert [backlog_at(seen, moment) for moment in (100, 300, 500, 700, 990)] == [1, 2, 3, 2, 2]
    assert list(seen.endless_s) == [0.4]


def test_a_skipped_operation_counts_as_long_as_a_client_could_have_taken_it_up() -> None:
    past = Past()
    past.attempt(0, 1)
    past.attempt(200, None, "skipped", began_ns=None)
    past.attempt(999, 999.5)

    seen = read(past, max_wait_s=0.3)

    assert [backlog_at(seen, moment) for moment in (100, 300, 600)] == [0, 1, 0]
    assert list(seen.skipped_s) == [0.2]
    assert "skipped" not in seen.points


def test_retries_are_one_operation() -> None:
    past = Past()
    first = past.attempt(100, 150, "failed", final=None)
    past.attempts.append(first._replace(attempt=2, ended_ns=400_000_000, outcome="ok", final="ok"))
    past.attempt(999, 999.5)

    seen = read(past)

    assert list(seen.points) == ["ok"]
    assert list(seen.points["ok"].latency_ms) == pytest.approx([300.0, 0.5])
    assert backlog_at(seen, 300) == 1


def test_a_fault_is_a_band_until_it_is_healed_or_else_until_the_end() -> None:
    past = Past()
    past.steadily(0, 1000)
    past.fault(200, healed_ms=300)
    past.fault(600)

    seen = read(past)

    assert seen.bands_s == ((0.2, 0.3), (0.6, seen.ends_s))


def test_a_history_without_operations_is_empty() -> None:
    seen = read(Past())

    assert seen.points == {}
    assert set(seen.backlog) <= {0}
