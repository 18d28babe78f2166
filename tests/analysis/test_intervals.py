from __future__ import annotations

from itertools import combinations_with_replacement
from math import exp, log
from statistics import fmean, median, pstdev, stdev

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy import stats

from outboxbench.analysis.intervals import LogRatios, Paired, Unpaired

# Steps of a thousandth: closer values are equal for all that is measured, and scipy warns of them.
logs = st.integers(min_value=-2_000, max_value=2_000).map(lambda step: step / 1_000)
samples = st.lists(logs, min_size=2, max_size=30)
spread_samples = samples.filter(lambda sample: len(set(sample)) > 1)
equal_samples = st.builds(
    lambda value, count: [value] * count,
    st.floats(min_value=-2, max_value=2),
    st.integers(min_value=2, max_value=30),
)


@given(spread_samples)
def test_the_paired_interval_is_students(sample: list[float]) -> None:
    estimate = Paired(sample).mean().t_interval()

    expected = stats.ttest_1samp(sample, 0).confidence_interval(0.95)
    assert estimate.ratio == pytest.approx(exp(fmean(sample)))
    assert (estimate.low, estimate.high) == pytest.approx((exp(expected.low), exp(expected.high)))


@given(spread_samples, spread_samples)
def test_the_unpaired_interval_is_welchs(base: list[float], head: list[float]) -> None:
    mean = Unpaired(base, head).mean()

    test = stats.ttest_ind(head, base, equal_var=False)
    expected = test.confidence_interval(0.95)
    estimate = mean.t_interval()
    assert mean.degrees == pytest.approx(test.df)
    assert estimate.ratio == pytest.approx(exp(fmean(head) - fmean(base)))
    assert (estimate.low, estimate.high) == pytest.approx((exp(expected.low), exp(expected.high)))


@given(samples)
def test_the_paired_hodges_lehmann_estimate_is_the_median_of_all_means_of_two(
    sample: list[float],
) -> None:
    naive = median((a + b) / 2 for a, b in combinations_with_replacement(sample, 2))

    assert Paired(sample).hodges_lehmann() == pytest.approx(exp(naive))


@given(samples, samples)
def test_the_unpaired_hodges_lehmann_estimate_is_the_median_of_all_differences(
    base: list[float], head: list[float]
) -> None:
    naive = median(h - b for h in head for b in base)

    assert Unpaired(base, head).hodges_lehmann() == pytest.approx(exp(naive))


@settings(deadline=None)
@given(equal_samples)
def test_equal_ratios_make_a_point(sample: list[float]) -> None:
    paired = Paired(sample)

    ratio = exp(sample[0])
    assert paired.mean().t_interval() == (ratio, ratio, ratio)
    assert paired.bootstrap_interval() == (ratio, ratio, ratio)
    assert paired.hodges_lehmann() == ratio


@settings(deadline=None)
@given(equal_samples, equal_samples)
def test_two_samples_of_equal_values_make_a_point(base: list[float], head: list[float]) -> None:
    unpaired = Unpaired(base, head)

    ratio = exp(head[0] - base[0])
    assert unpaired.mean().t_interval() == (ratio, ratio, ratio)
    assert unpaired.bootstrap_interval() == (ratio, ratio, ratio)
    assert unpaired.hodges_lehmann() == ratio


@given(spread_samples, equal_samples)
def test_a_side_of_equal_values_leaves_the_spread_to_the_other(
    base: list[float], head: list[float]
) -> None:
    mean = Unpaired(base, head).mean()

    assert mean.degrees == pytest.approx(len(base) - 1)
    assert mean.standard_error == pytest.approx(stdev(base) / len(base) ** 0.5)


@given(samples, samples)
def test_exchanging_the_sides_inverts_the_ratio(base: list[float], head: list[float]) -> None:
    ratio, low, high = Unpaired(base, head).mean().t_interval()
    swapped = Unpaired(head, base).mean().t_interval()

    assert swapped == pytest.approx((1 / ratio, 1 / high, 1 / low))


@pytest.mark.parametrize("size", [12, 50])
def test_the_bootstrap_interval_has_the_width_of_a_normal_one(size: int) -> None:
    sample = np.random.default_rng(1).normal(0.1, 0.05, size).tolist()

    ratio, low, high = Paired(sample).bootstrap_interval()

    assert ratio == pytest.approx(exp(fmean(sample)))
    assert log(high / low) == pytest.approx(2 * 1.96 * pstdev(sample) / size**0.5, rel=0.05)


def test_the_unpaired_bootstrap_resamples_each_side_by_itself() -> None:
    # Were both sides drawn alike, equal samples would differ by nothing, ever.
    sample = np.random.default_rng(1).normal(0.1, 0.05, 40).tolist()

    _, low, high = Unpaired(sample, sample).bootstrap_interval()

    assert log(high / low) == pytest.approx(2 * 1.96 * pstdev(sample) * (2 / 40) ** 0.5, rel=0.05)


@settings(deadline=None)
@given(samples)
def test_the_bootstrap_interval_lies_within_the_values_and_around_their_mean(
    sample: list[float],
) -> None:
    ratio, low, high = Paired(sample).bootstrap_interval()

    assert exp(min(sample)) <= low <= ratio * (1 + 1e-12)
    assert ratio <= high * (1 + 1e-12) <= exp(max(sample)) * (1 + 2e-12)


@settings(deadline=None)
@given(samples, samples)
def test_the_same_values_always_give_the_same_bootstrap_interval(
    base: list[float], head: list[float]
) -> None:
    assert Paired(head).bootstrap_interval() == Paired(head).bootstrap_interval()
    assert Unpaired(base, head).bootstrap_interval() == Unpaired(base, head).bootstrap_interval()


@given(samples, st.integers(min_value=0))
def test_a_single_outlier_moves_hodges_lehmann_within_the_other_values(
    sample: list[float], position: int
) -> None:
    assume(len(sample) >= 5)
    outlier = list(sample)
    outlier[position % len(sample)] = 50.0
    others = sorted(outlier)[:-1]

    ratio = Paired(outlier).hodges_lehmann()

    assert exp(min(others)) * (1 - 1e-12) <= ratio <= exp(max(others)) * (1 + 1e-12)


def test_the_smaller_side_counts_the_rounds() -> None:
    assert Paired([0.1, 0.2, 0.3]).rounds == 3
    assert Unpaired([0.1, 0.2, 0.3], [0.1, 0.2]).rounds == 2


@pytest.mark.parametrize("values", [[], [0.1]])
def test_one_value_has_no_interval(values: list[float]) -> None:
    with pytest.raises(ValueError, match="needs two values"):
        Paired(values)
    with pytest.raises(ValueError, match="needs two values"):
        Unpaired(values, [0.1, 0.2])
    with pytest.raises(ValueError, match="needs two values"):
        Unpaired([0.1, 0.2], values)


def test_both_kinds_answer_the_same_questions() -> None:
    kinds: list[LogRatios] = [Paired([0.1, 0.2]), Unpaired([0.0, 0.1], [0.1, 0.3])]

    assert [kind.mean().value for kind in kinds] == pytest.approx([0.15, 0.15])
