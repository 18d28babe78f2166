from __future__ import annotations

import pytest

from outboxbench.report.numbers import BLANK, milliseconds, percent, spread, three_digits
from outboxbench.results.block import LatencyUs, OutcomeCounts
from outboxbench.results.model import Summary


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, BLANK),
        (0, "0.000"),
        (0.4567, "0.457"),
        (4.567, "4.57"),
        (45.67, "45.7"),
        (456.7, "457"),
        (45_678.9, "45,679"),
    ],
)
def test_a_figure_has_three_significant_digits(value: float | None, expected: str) -> None:
    assert three_digits(value) == expected


def test_a_latency_is_told_in_milliseconds() -> None:
    assert (milliseconds(1_234), milliseconds(None)) == ("1.23", BLANK)


def test_a_ratio_is_told_in_per_cent() -> None:
    assert (percent(0.654), percent(None)) == ("65%", BLANK)


@pytest.mark.parametrize(
    ("rounds", "low", "median", "high", "expected"),
    [(5, 90.0, 100.0, 110.0, "±10%"), (1, 100.0, 100.0, 100.0, ""), (5, 0.0, 0.0, 0.0, "")],
)
def test_the_spread_is_half_the_range_of_the_rounds(
    rounds: int, low: float, median: float, high: float, expected: str
) -> None:
    summary = Summary(
        rounds=rounds,
        ok_per_s_median=median,
        ok_per_s_min=low,
        ok_per_s_max=high,
        outcomes=OutcomeCounts(),
        latency_us=LatencyUs(samples=0),
    )

    assert spread(summary) == expected
