from __future__ import annotations

import pytest

from outboxbench.report.numbers import BLANK, milliseconds, percent, three_digits


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, BLANK),
        (0, "0"),
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
