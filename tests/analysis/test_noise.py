from __future__ import annotations

import math
from statistics import stdev
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import norm
from tests.analysis.arms import arm

from outboxbench.analysis.decision import MIN_MARGIN
from outboxbench.analysis.noise import (
    ROUNDS_GRID,
    margin,
    measure_noise,
    rounds_to_see,
    unpaired_margin,
)
from outboxbench.results.noise import MetricNoise

if TYPE_CHECKING:
    from collections.abc import Iterable


def noise_of(differences: Iterable[float]) -> MetricNoise:
    return MetricNoise(block_sigma=0.0, paired_sigma=0.0, drift=0.0, differences=tuple(differences))


def normal_noise(sigma: float, bias: float = 0.0) -> MetricNoise:
    """Differences at the quantiles of a normal distribution, 200 of them."""
    return noise_of(norm.ppf((np.arange(200) + 0.5) / 200, bias, sigma).tolist())


def test_without_noise_the_margin_is_the_smallest() -> None:
    assert margin(None, 12) == unpaired_margin(None, 12) == MIN_MARGIN


def test_a_quiet_machine_has_the_smallest_margin() -> None:
    assert margin(normal_noise(0.02), 12) == MIN_MARGIN


@pytest.mark.parametrize("rounds", [3, 12, 40])
def test_the_margin_is_what_19_of_20_runs_that_differ_in_nothing_stay_within(rounds: int) -> None:
    expected = math.expm1(1.96 * 0.4 / math.sqrt(rounds))

    assert margin(normal_noise(0.4), rounds) == pytest.approx(expected, rel=0.05)


@pytest.mark.parametrize("rounds", [3, 12, 40])
def test_two_runs_vary_each_by_themselves(rounds: int) -> None:
    expected = math.expm1(1.96 * 0.4 * math.sqrt(2 / rounds))

    assert unpaired_margin(normal_noise(0.4), rounds) == pytest.approx(expected, rel=0.05)


def test_the_margin_narrows_with_the_rounds() -> None:
    noise = normal_noise(0.3)

    margins = [margin(noise, rounds) for rounds in (5, 10, 20, 40)]
    assert margins == sorted(margins, reverse=True)


def test_which_of_the_twins_came_first_does_not_matter() -> None:
    noise = noise_of([0.1, 0.3, -0.2, 0.25, 0.4])
    swapped = noise_of([-difference for difference in noise.differences])

    assert margin(noise, 12) == pytest.approx(margin(swapped, 12), rel=0.05)


def test_noise_without_a_difference_has_no_margin() -> None:
    with pytest.raises(ValueError, match="high <= 0"):
        margin(noise_of([]), 12)


def test_noise_is_told_for_each_metric_that_both_twins_have_twice() -> None:
    base = arm(ok_per_s=[100, 110, 120], p50=[10, None, 12], client_cpu=[5, None, None])
    twin = arm(ok_per_s=[105, 104, 131], p50=[11, 11, 11], client_cpu=[5, 6, 7])

    noise = measure_noise(base, twin)

    assert [*noise] == ["ok_per_s", "latency_p50"]
    assert noise["ok_per_s"].differences == pytest.approx(
        [math.log(105 / 100), math.log(104 / 110), math.log(131 / 120)]
    )
    assert noise["latency_p50"].differences == pytest.approx([math.log(1.1), math.log(11 / 12)])


def test_what_both_twins_share_shows_in_their_blocks_and_not_in_their_ratios() -> None:
    noise = measure_noise(arm(ok_per_s=[100, 200, 100, 200]), arm(ok_per_s=[100, 200, 100, 200]))[
        "ok_per_s"
    ]

    assert noise.block_sigma == pytest.approx(stdev([0, math.log(2)] * 2))
    assert noise.paired_sigma == 0


def test_the_noise_of_blocks_is_pooled_over_the_twins() -> None:
    noise = measure_noise(arm(ok_per_s=[100, 100, 100]), arm(ok_per_s=[100, 200, 100]))["ok_per_s"]

    of_twin = stdev([0, math.log(2), 0])
    assert noise.block_sigma == pytest.approx(of_twin / math.sqrt(2))
    assert noise.paired_sigma == pytest.approx(of_twin)


@pytest.mark.parametrize("change", [0.2, 0.0, -0.2])
def test_drift_is_the_change_from_the_first_round_to_the_last(change: float) -> None:
    growth = (1 + change) ** (1 / 10)
    values: list[float | None] = [100 * growth**number for number in range(11)]
    with_outlier, with_a_gap = values.copy(), values.copy()
    with_outlier[3] = 1.0
    with_a_gap[5] = None

    noise = measure_noise(arm(ok_per_s=with_outlier), arm(ok_per_s=with_a_gap))["ok_per_s"]

    assert noise.drift == pytest.approx(change, abs=1e-9)


def test_the_throughput_of_an_open_loop_is_no_noise() -> None:
    twin = arm(ok_per_s=[50, 50], p50=[10, 11], offered_per_s=50)

    assert [*measure_noise(twin, twin)] == ["latency_p50"]


def test_without_noise_the_fewest_rounds_see_everything_above_the_margin() -> None:
    assert rounds_to_see(noise_of([0.0, 0.0]), 0.06) == (ROUNDS_GRID[0], ROUNDS_GRID[0])


@pytest.mark.parametrize("effect", [0.01, 0.05])
def test_an_effect_not_above_the_margin_is_told_from_none_but_never_called(effect: float) -> None:
    needed = rounds_to_see(normal_noise(0.01), effect)

    assert needed.to_tell_from_none is not None
    assert needed.to_be_called is None


def test_an_effect_that_drowns_in_noise_is_not_seen() -> None:
    assert rounds_to_see(normal_noise(1.0), 0.05) == (None, None)


def test_fifteen_percent_take_about_twelve_rounds_at_nine_percent_noise() -> None:
    needed = rounds_to_see(normal_noise(0.09), 0.15).to_be_called

    assert needed is not None
    assert 10 <= needed <= 18


@settings(max_examples=20, deadline=None)
@given(
    sigma=st.floats(min_value=0.01, max_value=0.4), effect=st.floats(min_value=0.02, max_value=0.5)
)
def test_to_be_called_takes_no_fewer_rounds_than_to_be_told_from_none(
    sigma: float, effect: float
) -> None:
    told, called = rounds_to_see(normal_noise(sigma), effect)

    if called is not None:
        assert told is not None
        assert told <= called


@pytest.mark.parametrize("effect", [0.0, -0.1])
def test_there_is_no_looking_for_less_than_an_effect(effect: float) -> None:
    with pytest.raises(ValueError, match="is positive"):
        rounds_to_see(normal_noise(0.1), effect)
