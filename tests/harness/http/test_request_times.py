"""What is told of a typical request."""

from __future__ import annotations

import pytest

from outboxbench.harness.http import request_times
from outboxbench.harness.http.request_times import RequestTime, RequestTimes, median_request


def test_the_parts_of_a_typical_request_add_up() -> None:
    times = RequestTimes("1")
    for number in range(1, 1_001):
        times.add(RequestTime(10 * number, number, 4 * number, 2 * number))

    typical = median_request([times.kept()])

    assert typical is not None
    assert typical.total == pytest.approx(5_000, rel=0.01)
    parts = typical.pool_wait + typical.transaction + typical.service + typical.outside
    assert parts == pytest.approx(typical.total)
    assert typical.transaction == pytest.approx(2_000, rel=0.01)
    assert typical.samples == 100


def test_what_several_processes_have_kept_is_one_distribution() -> None:
    fast, slow = RequestTimes("1"), RequestTimes("2")
    for _ in range(300):
        fast.add(RequestTime(100, 0, 50, 10))
    for _ in range(100):
        slow.add(RequestTime(900, 0, 50, 10))

    typical = median_request([fast.kept(), slow.kept()])

    assert typical is not None
    assert typical.total == 100


def test_a_single_request_is_typical_and_none_is_not() -> None:
    times = RequestTimes("1")
    assert median_request([times.kept()]) is None

    times.add(RequestTime(7, 1, 2, 3))
    assert median_request([times.kept()]) == (1, 7.0, 1.0, 2.0, 3.0, 1.0)


def test_of_very_many_requests_each_has_the_same_chance_to_be_kept(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(request_times, "MOST_KEPT", 1_000)
    times = RequestTimes("1")
    for number in range(50_000):
        times.add(RequestTime(number, 0, 0, 0))

    kept = times.kept()[::4]

    assert len(kept) == 1_000
    assert sum(kept) / len(kept) == pytest.approx(25_000, rel=0.1)
    assert all(part == 0 for part in times.kept()[1::4])
