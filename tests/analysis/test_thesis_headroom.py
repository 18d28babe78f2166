"""Headroom is what clients can do beyond the load; out of it an outage is caught up with."""

from __future__ import annotations

from dataclasses import replace
from random import Random
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.analysis.fault_arms import fault_arm, injection
from tests.analysis.runs import run as a_run

from outboxbench.analysis.thesis import CLAIMS, FEWEST_POINTS, findings, thesis_points
from outboxbench.analysis.thesis_words import paragraph

if TYPE_CHECKING:
    from collections.abc import Sequence

    from outboxbench.analysis.thesis import Finding, ThesisPoint
    from outboxbench.results.faults import FaultArm

CLAIM = CLAIMS[2]
RATE_PER_S = 200.0
OUTAGE_MS = 600.0
HEADROOMS = tuple(0.1 * 1.5**place for place in range(18))
SHUFFLES = 200


def arm(headroom: float | None, caught_up_ms: float | None) -> FaultArm:
    return fault_arm(
        rate_per_s=RATE_PER_S,
        injections=(
            injection(first_ok_after_effect_ms=OUTAGE_MS, caught_up_ms=caught_up_ms, on_time=180),
        ),
        capacity_per_s=None if headroom is None else RATE_PER_S * (1 + headroom),
    )


def drained_ms(headroom: float) -> float:
    """How long it takes until what came in the outage, and since, is served."""
    waiting = RATE_PER_S * OUTAGE_MS / 1000
    return OUTAGE_MS + 1000 * waiting / (headroom * RATE_PER_S)


def points_of(*arms: FaultArm) -> tuple[ThesisPoint, ...]:
    return thesis_points(a_run(faults=arms))


def found_of(points: Sequence[ThesisPoint]) -> Finding:
    (found,) = (each for each in findings(points) if each.claim is CLAIM)
    return found


@settings(deadline=None)
@given(
    st.lists(
        st.integers(1, 1_000).map(lambda tenths: tenths / 10),
        min_size=FEWEST_POINTS,
        max_size=20,
        unique=True,
    )
)
def test_arms_that_catch_up_as_a_queue_drains_bear_the_claim_out(headrooms: list[float]) -> None:
    points = points_of(*(arm(headroom, drained_ms(headroom)) for headroom in headrooms))
    found = found_of(points)
    assert (found.answer, found.points) == ("held", len(headrooms))
    for point in points:
        assert point.expected_caught_up_ms == pytest.approx(point.caught_up_ms)


def test_a_claim_does_not_show_where_chance_decides_who_catches_up_when() -> None:
    points = points_of(*(arm(headroom, drained_ms(headroom)) for headroom in HEADROOMS))
    random = Random(1)
    answers = []
    for _ in range(SHUFFLES):
        shuffled = random.sample([point.caught_up_ms for point in points], len(points))
        answers.append(
            found_of(
                [
                    replace(point, caught_up_ms=caught_up_ms)
                    for point, caught_up_ms in zip(points, shuffled, strict=True)
                ]
            ).answer
        )
    # Of 18 ranks in random order, one in some 800 correlates as clearly as that.
    assert answers.count("did not show") >= SHUFFLES - 3


def test_who_never_catches_up_took_longer_than_all_others() -> None:
    never = [arm(headroom, None) for headroom in (-0.2, 0.1)]
    others = [arm(headroom, drained_ms(headroom)) for headroom in (0.5, 1.0, 2.0, 4.0)]
    points = points_of(*never, *others)
    found = found_of(points)
    assert (found.points, found.answer) == (6, "held")
    assert [point.expected_caught_up_ms is None for point in points] == [True, *[False] * 5]


def test_figures_of_which_most_are_the_same_cannot_be_ranked() -> None:
    apart = [arm(headroom, drained_ms(headroom)) for headroom in (0.1, 0.2, 0.4)]
    waits_not = [arm(float(headroom), 0.0) for headroom in range(1, 5)]

    half = found_of(points_of(*apart, *waits_not[:3]))
    most = found_of(points_of(*apart, *waits_not))

    assert (half.answer, half.reason) == ("held", None)
    assert (most.answer, most.reason) == ("cannot be told", "too few that differ")


def test_where_nobody_measured_what_clients_can_do_their_headroom_is_not_guessed() -> None:
    points = points_of(*(arm(None, 100.0 * number) for number in range(6)))
    assert {(point.headroom, point.expected_caught_up_ms) for point in points} == {(None, None)}
    found = found_of(points)
    assert (found.answer, found.reason) == ("cannot be told", "capacity not measured")
    few = found_of(points[: FEWEST_POINTS - 1])
    assert (few.answer, few.reason) == ("cannot be told", "too few arms")


def test_the_paragraph_says_why_something_cannot_be_told() -> None:
    measured = paragraph(a_run(faults=tuple(arm(float(each), 0.0) for each in range(1, 7))))
    assert f"That {CLAIM.says} cannot be told under reset (too few that differ)." in measured
    assert "from 1.0 to 6.0 times the load" in measured
    guessed = paragraph(a_run(faults=tuple(arm(None, 100.0 * each) for each in range(6))))
    assert f"That {CLAIM.says} cannot be told under reset (capacity not measured)." in guessed
    assert "Headroom" not in guessed
