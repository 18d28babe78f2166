from __future__ import annotations

from math import log
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from outboxbench.analysis.decision import ALPHA, MIN_MARGIN, decide, excess_p_value, holm
from outboxbench.analysis.intervals import MeanLogRatio, Paired, Unpaired

if TYPE_CHECKING:
    from outboxbench.results.comparison import Decision

logs = st.integers(min_value=-2_000, max_value=2_000).map(lambda step: step / 1_000)
spread_samples = st.lists(logs, min_size=2, max_size=30).filter(lambda each: len(set(each)) > 1)
margins = st.floats(min_value=0.01, max_value=0.5)
p_values = st.lists(st.floats(min_value=0, max_value=1), max_size=12)
means = st.builds(
    MeanLogRatio,
    value=st.floats(min_value=-1, max_value=1),
    standard_error=st.floats(min_value=0, max_value=1),
    degrees=st.floats(min_value=1, max_value=100),
)


def mean(ratio: float, standard_error: float = 0.0, degrees: float = 11) -> MeanLogRatio:
    return MeanLogRatio(log(ratio), standard_error, degrees)


def judged(estimate: MeanLogRatio, *, higher_is_better: bool = False) -> Decision:
    p_value = excess_p_value(estimate, MIN_MARGIN)
    return decide(estimate, MIN_MARGIN, p_value, higher_is_better=higher_is_better)


@given(spread_samples, margins)
def test_the_paired_p_value_is_that_of_students_test_in_the_direction_seen(
    sample: list[float], margin: float
) -> None:
    estimate = Paired(sample).mean()

    seen = sample if estimate.value >= 0 else [-value for value in sample]
    expected = stats.ttest_1samp(seen, log(1 + margin), alternative="greater").pvalue
    assert excess_p_value(estimate, margin) == pytest.approx(expected)


@given(spread_samples, spread_samples, margins)
def test_the_unpaired_p_value_is_that_of_welchs_test_in_the_direction_seen(
    base: list[float], head: list[float], margin: float
) -> None:
    estimate = Unpaired(base, head).mean()

    more, less = (head, base) if estimate.value >= 0 else (base, head)
    less = [value + log(1 + margin) for value in less]
    expected = stats.ttest_ind(more, less, equal_var=False, alternative="greater").pvalue
    assert excess_p_value(estimate, margin) == pytest.approx(expected)


@given(means, margins)
def test_the_margin_is_as_wide_to_either_side(estimate: MeanLogRatio, margin: float) -> None:
    mirrored = MeanLogRatio(-estimate.value, estimate.standard_error, estimate.degrees)

    assert excess_p_value(estimate, margin) == excess_p_value(mirrored, margin)


@pytest.mark.parametrize(
    ("ratio", "p_value"), [(1.06, 0.0), (1 / 1.06, 0.0), (1.04, 1.0), (1.0, 1.0), (1 / 1.04, 1.0)]
)
def test_without_spread_the_answer_is_certain(ratio: float, p_value: float) -> None:
    assert excess_p_value(mean(ratio), 0.05) == p_value


def test_an_effect_as_large_as_the_margin_is_an_even_bet() -> None:
    assert excess_p_value(mean(1.05, 0.02), 0.05) == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("p_values", "adjusted"),
    [
        ([], []),
        ([0.03], [0.03]),
        ([0.01, 0.04], [0.02, 0.04]),
        # 4 x 0.005, 3 x 0.01; 2 x 0.03 = 0.06, and 0.04 may not fall below it.
        ([0.01, 0.04, 0.03, 0.005], [0.03, 0.06, 0.06, 0.02]),
        ([0.02, 0.02, 0.02], [0.06, 0.06, 0.06]),
        ([0.4, 0.9], [0.8, 0.9]),
        ([0.6, 0.7], [1.0, 1.0]),
        ([0.0, 1.0], [0.0, 1.0]),
    ],
)
def test_holm_by_hand(p_values: list[float], adjusted: list[float]) -> None:
    assert holm(p_values) == pytest.approx(adjusted)


@given(p_values)
def test_holm_lies_between_no_correction_and_bonferronis(p_values: list[float]) -> None:
    for p_value, adjusted in zip(p_values, holm(p_values), strict=True):
        assert p_value <= adjusted <= min(1.0, len(p_values) * p_value)


@given(p_values)
def test_holm_keeps_the_order_of_p_values(p_values: list[float]) -> None:
    in_order = [adjusted for _, adjusted in sorted(zip(p_values, holm(p_values), strict=True))]

    assert in_order == sorted(in_order)


@given(p_values)
def test_holm_does_not_care_in_which_order_it_is_asked(p_values: list[float]) -> None:
    assert holm(p_values[::-1]) == holm(p_values)[::-1]


@given(p_values)
def test_holm_rejects_step_by_step(p_values: list[float]) -> None:
    rejected = 0
    for rank, p_value in enumerate(sorted(p_values)):
        if p_value * (len(p_values) - rank) >= ALPHA:
            break
        rejected += 1

    assert sum(adjusted < ALPHA for adjusted in holm(p_values)) == rejected


@pytest.mark.parametrize(
    ("ratio", "higher_is_better", "decision"),
    [
        (1.2, False, "regression"),
        (1.2, True, "improvement"),
        (1 / 1.2, False, "improvement"),
        (1 / 1.2, True, "regression"),
    ],
)
def test_a_change_is_told_as_better_or_worse(
    ratio: float, higher_is_better: bool, decision: Decision
) -> None:
    assert judged(mean(ratio, 0.01), higher_is_better=higher_is_better) == decision


def test_an_interval_that_lies_within_the_margin_is_same() -> None:
    assert judged(mean(1.01, 0.01)) == "same"


def test_a_small_effect_that_is_surely_there_is_same() -> None:
    estimate = mean(1.03, 0.002)

    assert estimate.t_interval().low > 1
    assert judged(estimate) == "same"


@pytest.mark.parametrize("ratio", [1.0, 1.05, 1.12])
def test_an_interval_that_reaches_over_the_margin_inconclusive(ratio: float) -> None:
    assert judged(mean(ratio, 0.05)) == "inconclusive"


def test_only_the_corrected_p_value_calls_a_regression() -> None:
    estimate = mean(1.2, 0.06)

    assert decide(estimate, 0.05, 0.049, higher_is_better=False) == "regression"
    assert decide(estimate, 0.05, 0.05, higher_is_better=False) == "inconclusive"


@given(means, margins, st.integers(min_value=1, max_value=20), st.booleans())
def test_what_is_called_is_beyond_the_margin_and_what_is_same_within(
    estimate: MeanLogRatio, margin: float, comparisons: int, higher_is_better: bool
) -> None:
    p_value = min(1.0, comparisons * excess_p_value(estimate, margin))

    decision = decide(estimate, margin, p_value, higher_is_better=higher_is_better)

    if decision in ("regression", "improvement"):
        assert abs(estimate.value) > log(1 + margin)
        assert (estimate.value > 0) == (higher_is_better == (decision == "improvement"))
    if decision == "same":
        assert abs(estimate.value) <= log(1 + margin) * (1 + 1e-12)
