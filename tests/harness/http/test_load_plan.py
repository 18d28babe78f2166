"""How a load goes over time, and how it is shared out."""

from __future__ import annotations

from dataclasses import replace
from typing import get_args

import pytest

from outboxbench.harness.http.load_plan import (
    SHAPES,
    LoadPlan,
    Shape,
    arrival_times_ns,
    share_of_load,
)
from outboxbench.harness.load.job import Window

PLAN = LoadPlan("charge", 10, 10, "7", warm_up_s=0.0, window_s=10.0, rate_per_s=1_000.0)
WINDOW = Window.of(5_000_000_000, 5_000_000_000, 15_000_000_000)


def times_s(plan: LoadPlan, worker: int = 0) -> list[float]:
    return [(moment - WINDOW.begins_ns) / 1e9 for moment in arrival_times_ns(plan, WINDOW, worker)]


@pytest.mark.parametrize("shape", get_args(Shape))
def test_every_shape_begins_at_once_comes_to_the_whole_load_and_covers_the_time(
    shape: Shape,
) -> None:
    begins = [each for each, _ in SHAPES[shape]]

    assert begins[0] == 0.0
    assert begins == sorted(set(begins))
    assert begins[-1] < 1.0
    assert max(share for _, share in SHAPES[shape]) == 1.0
    assert share_of_load(shape, 0.0) == SHAPES[shape][0][1]
    assert share_of_load(shape, 2.0) == SHAPES[shape][-1][1]


def test_a_spike_is_a_spike() -> None:
    assert [share_of_load("spike", each) for each in (0.2, 0.5, 0.7)] == [0.3, 1.0, 0.3]
    assert share_of_load("ramp", 0.0) < share_of_load("ramp", 0.5) < share_of_load("ramp", 0.99)


@pytest.mark.parametrize("arrivals", ["poisson", "even"])
def test_the_workers_of_a_plan_share_its_arrivals(arrivals: str) -> None:
    shared = replace(PLAN, workers=2, arrivals=arrivals)  # type: ignore[arg-type]
    first, second = times_s(shared, 0), times_s(shared, 1)

    assert len(first) + len(second) == pytest.approx(10_000, rel=0.05)
    assert len(first) == pytest.approx(len(second), rel=0.1)
    assert not set(first) & set(second)
    assert first == sorted(first)
    assert first[0] >= 0
    assert first[-1] < 10.0


def test_arrivals_follow_the_shape() -> None:
    spike = times_s(replace(PLAN, shape="spike"))

    def rate(begins_s: float, ends_s: float) -> float:
        return sum(begins_s <= each < ends_s for each in spike) / (ends_s - begins_s)

    assert rate(0.0, 4.0) == pytest.approx(300, rel=0.15)
    assert rate(4.0, 6.0) == pytest.approx(1_000, rel=0.15)
    assert rate(6.0, 10.0) == pytest.approx(300, rel=0.15)


def test_a_plan_comes_back_as_it_was_sent() -> None:
    assert LoadPlan(**PLAN.to_fields()) == PLAN


def test_a_closed_loop_has_no_arrivals() -> None:
    with pytest.raises(ValueError, match="closed loop"):
        times_s(replace(PLAN, rate_per_s=None))


@pytest.mark.parametrize("shape", get_args(Shape))
def test_a_moment_before_the_beginning_has_the_share_of_the_beginning(shape: Shape) -> None:
    assert share_of_load(shape, -0.01) == share_of_load(shape, 0.0)
