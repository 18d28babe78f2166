from __future__ import annotations

import pytest
from tests.analysis.fault_arms import fault_arm, injection
from tests.analysis.runs import run as a_run

from outboxbench.report.numbers import BLANK, how_much, milliseconds, percent, rounds, three_digits


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


def test_where_all_that_a_run_did_was_to_inject_faults_it_tells_of_no_rounds() -> None:
    once = fault_arm()
    twice = fault_arm("psycopg", injections=(injection(1), injection(2)))
    for faults, told in (
        ((once, once), "1 injection an arm"),
        ((twice,), "2 injections an arm"),
        ((twice, once), "1 to 2 injections an arm"),
    ):
        assert how_much(a_run(arms=(), faults=faults)) == told
    both = a_run(faults=(twice,))
    assert how_much(both) == how_much(a_run()) == rounds(both)
