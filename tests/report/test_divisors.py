"""What the ratios of a table are said to be divided by."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.analysis.runs import run
from tests.report.test_ratio_rows import measured

from outboxbench.analysis.comparable import comparable_arms
from outboxbench.analysis.comparison import compare_arms
from outboxbench.report.divisors import divisor, divisor_note

if TYPE_CHECKING:
    from outboxbench.analysis.comparable import ComparableArms
    from outboxbench.results.model import Arm, Run

OLD, NEW = "asyncpg==0.30.0", "asyncpg==0.31.0"


def told(*pairs: tuple[Arm, Arm]) -> tuple[Run, ComparableArms]:
    arms = {each.name: each for pair in pairs for each in pair}
    compared = compare_arms(pairs, lambda _metric, _rounds: 0.05)
    whole = run(*arms.values(), comparisons=compared, reference="asyncpg")
    (table,) = comparable_arms(whole)
    return whole, table


def test_strategies_are_held_against_the_reference() -> None:
    base = measured("asyncpg")

    whole = told((base, measured("psycopg")), (base, measured("orm-asyncpg")))

    assert divisor(*whole) == "asyncpg"
    assert divisor_note(*whole) == "÷: same loop"


@pytest.mark.parametrize("kind", ["environment", "server"])
def test_what_is_held_against_itself_elsewhere_has_no_single_divisor(kind: str) -> None:
    base = measured("asyncpg", **{kind: OLD})
    other = measured("psycopg", **{kind: OLD})

    whole = told(
        (base, measured("asyncpg", **{kind: NEW})),
        (base, other),
        (other, measured("psycopg", **{kind: NEW})),
    )

    assert divisor(*whole) == "base"
    assert divisor_note(*whole) == f"÷: the same strategy with {OLD}, and there asyncpg; same loop"


def test_where_no_strategy_is_held_against_another_none_is_named() -> None:
    whole = told((measured("asyncpg", "base"), measured("asyncpg", "head")))

    assert divisor_note(*whole) == "÷: the same strategy with base; same loop"


def test_a_run_that_compares_nothing_is_told_of_by_its_reference() -> None:
    whole = told((measured("asyncpg"), measured("asyncpg")))
    alone = whole[0].model_copy(update={"comparisons": ()})

    assert divisor(alone, whole[1]) == "asyncpg"
    assert divisor_note(alone, whole[1]) == "÷: same loop"
