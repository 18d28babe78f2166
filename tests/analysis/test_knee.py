from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outboxbench.analysis.knee import Point, knee

CAPACITY_PER_S = 1_000.0


def queue_at(load_share: float) -> Point:
    """A queue with one server (M/M/1), whose power is greatest at half its capacity."""
    offered_per_s = load_share * CAPACITY_PER_S
    return Point(offered_per_s, offered_per_s, 1e6 / (CAPACITY_PER_S - offered_per_s), 0.0)


OVERLOAD = Point(1_200, 1_000, 5e5, 0.1)
CURVE = [*(queue_at(tenths / 10) for tenths in range(1, 10)), OVERLOAD]


def test_the_knee_of_a_queue_is_at_half_its_capacity() -> None:
    assert knee(CURVE) == queue_at(0.5)


@given(st.permutations(CURVE))
def test_the_order_of_points_does_not_matter(points: list[Point]) -> None:
    assert knee(points) == queue_at(0.5)


@given(st.floats(min_value=0.01, max_value=100), st.floats(min_value=0.01, max_value=100))
def test_units_do_not_matter(rate: float, time: float) -> None:
    points = [
        replace(
            point,
            offered_per_s=point.offered_per_s * rate,
            ok_per_s=point.ok_per_s * rate,
            latency_us=None if point.latency_us is None else point.latency_us * time,
        )
        for point in CURVE
    ]

    found = knee(points)

    assert found is not None
    assert found.offered_per_s == pytest.approx(CAPACITY_PER_S / 2 * rate)


@pytest.mark.parametrize(
    "change",
    [
        replace(queue_at(0.5), ok_per_s=480),
        replace(queue_at(0.5), skipped_share=0.02),
        replace(queue_at(0.5), latency_us=None),
    ],
)
def test_a_point_that_falls_behind_or_knows_no_latency_is_no_knee(change: Point) -> None:
    points = [change if point == queue_at(0.5) else point for point in CURVE]

    assert knee(points) in (queue_at(0.4), queue_at(0.6))


def test_an_overload_with_a_good_latency_is_no_knee() -> None:
    # What is skipped does not wait: such a point looks fast.
    assert knee([*CURVE, Point(2_000, 1_000, 1.0, 0.5)]) == queue_at(0.5)


@pytest.mark.parametrize("count", [0, 1, 2])
def test_fewer_than_three_points_that_keep_up_have_no_knee(count: int) -> None:
    assert knee([*CURVE[:count], OVERLOAD]) is None


def test_a_sweep_that_ends_before_the_knee_has_none() -> None:
    assert knee(CURVE[:4]) is None


def test_a_highest_point_that_keeps_up_is_the_knee_where_the_next_one_did_not() -> None:
    assert knee([*CURVE[:4], OVERLOAD]) == queue_at(0.4)


def test_what_fell_behind_at_a_lower_load_says_nothing_of_the_end() -> None:
    hiccup = replace(queue_at(0.15), skipped_share=0.5)

    assert knee([*CURVE[:4], hiccup]) is None


def test_a_sweep_that_passed_the_knee_needs_no_overload() -> None:
    assert knee(CURVE[:-1]) == queue_at(0.5)
