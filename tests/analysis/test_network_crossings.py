from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.analysis.runs import arm, block, run

from outboxbench.analysis.crossings import crossings
from outboxbench.analysis.series import network_panels

if TYPE_CHECKING:
    from collections.abc import Sequence

    from outboxbench.results.model import Arm

DISTANCES_MS = (0.0, 0.5, 2.0)
# What the rounds make of a rate.
SURELY = (0.99, 1.0, 1.01)
HARDLY = (0.6, 1.0, 1.7)


def across(
    strategy: str,
    rates: Sequence[float],
    scatter: Sequence[Sequence[float]] = (SURELY, SURELY, SURELY),
    first_round: int = 0,
) -> list[Arm]:
    return [
        arm(
            f"{strategy}/{distance_ms:g}",
            [block(first_round + number, rate * factor) for number, factor in enumerate(factors)],
            settings={"network_rtt_ms": distance_ms},
        )
        for distance_ms, rate, factors in zip(DISTANCES_MS, rates, scatter, strict=False)
    ]


def overtakings(*series: list[Arm]) -> list[tuple[float, float, str, str]]:
    [panel] = network_panels(run(*(each for arms in series for each in arms)))
    return [
        (found.near_ms, found.far_ms, found.overtaking.strategy, found.overtaken.strategy)
        for found in crossings(panel)
    ]


def test_who_is_behind_near_and_ahead_far_overtakes_in_between() -> None:
    chatty, terse = across("chatty", (3000, 1500, 600)), across("terse", (2000, 1800, 1200))

    assert overtakings(chatty, terse) == [(0.0, 0.5, "terse", "chatty")]
    assert overtakings(terse, chatty) == [(0.0, 0.5, "terse", "chatty")]


def test_two_series_may_cross_twice() -> None:
    one, other = across("one", (3000, 1000, 600)), across("other", (2000, 1800, 500))

    assert overtakings(one, other) == [(0.0, 0.5, "other", "one"), (0.5, 2.0, "one", "other")]


def test_who_stays_ahead_is_not_overtaken() -> None:
    assert overtakings(across("fast", (3, 2, 1.1)), across("slow", (2, 1, 1))) == []


@pytest.mark.parametrize(
    ("unsure", "one", "other"), [(0, (3, 2, 2), (2, 3, 3)), (2, (3, 3, 2), (2, 2, 3))]
)
def test_a_change_of_medians_that_the_rounds_do_not_bear_out_is_none(
    unsure: int, one: Sequence[float], other: Sequence[float]
) -> None:
    scatter = [HARDLY if number == unsure else SURELY for number in range(3)]

    assert overtakings(across("one", one), across("other", other)) != []
    assert overtakings(across("one", one, scatter), across("other", other)) == []


def test_where_nobody_can_tell_in_between_the_change_reaches_over_it() -> None:
    scatter = (SURELY, HARDLY, SURELY)

    assert overtakings(across("a", (3, 2, 1), scatter), across("b", (2, 2, 2))) == [
        (0.0, 2.0, "b", "a")
    ]


def test_arms_that_share_no_rounds_are_not_compared() -> None:
    one, other = across("one", (3, 2, 1)), across("other", (2, 2, 2), first_round=5)

    assert overtakings(one, other) == []


def test_one_distance_is_no_series() -> None:
    assert network_panels(run(*across("near", (3,)))) == ()
