"""How often a comparison is wrong: simulated on recorded noise, through the code that decides.

A run that differs in nothing consists of recorded rounds, drawn with replacement and with random
signs: the twins could as well have changed places. Both metrics come from the same rounds, which
keeps how they move together.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from tests.analysis.arms import arm

from outboxbench.analysis.comparison import compare_arms, inconclusive
from outboxbench.analysis.intervals import Paired
from outboxbench.analysis.noise import margin, rounds_to_see
from outboxbench.results.noise import Noise

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from outboxbench.results.comparison import Comparison, Metric

NOISE = Noise.model_validate_json((Path(__file__).parent / "recorded_noise.json").read_text())
DECIDING: tuple[Metric, ...] = ("ok_per_s", "latency_p50")
DIFFERENCES = np.array([NOISE.metrics[metric].differences for metric in DECIDING])

RUNS = 1_000
ROUNDS = 12
SLOWDOWN = 0.15


def margins(metric: Metric, rounds: int) -> float:
    return margin(NOISE.metrics[metric], rounds)


def simulated(
    seed: int, runs: int, rounds: int, slowdown: float = 0.0
) -> Iterator[NDArray[np.float64]]:
    """Logarithms of the ratios of each run: one row a deciding metric, one column a round."""
    generator = np.random.default_rng(seed)
    effect = math.log1p(slowdown) * np.array([[-1.0], [1.0]])
    for _ in range(runs):
        drawn = DIFFERENCES[:, generator.integers(DIFFERENCES.shape[1], size=rounds)]
        yield drawn * generator.choice((-1.0, 1.0), size=rounds) + effect


def compared(log_ratios: NDArray[np.float64]) -> tuple[Comparison, ...]:
    steady = [1_000.0] * log_ratios.shape[1]
    ok_per_s, p50 = (1_000 * np.exp(log_ratios)).tolist()
    base, head = arm("base", ok_per_s=steady, p50=steady), arm("head", ok_per_s=ok_per_s, p50=p50)
    return compare_arms([(base, head)], margins)


def judged(log_ratios: NDArray[np.float64], rounds: int) -> tuple[Comparison, ...]:
    """The answer after `rounds` rounds; where it is open, that after all there are."""
    first = compared(log_ratios[:, :rounds])
    return compared(log_ratios) if inconclusive(first) else first


def test_what_differs_in_nothing_is_called_in_at_most_one_run_of_a_hundred() -> None:
    wrong = {"regression": 0, "improvement": 0}
    for log_ratios in simulated(1, RUNS, 2 * ROUNDS):
        decisions = {comparison.decision for comparison in judged(log_ratios, ROUNDS)}
        for decision in wrong:
            wrong[decision] += decision in decisions

    assert max(wrong.values()) <= 0.01 * RUNS, wrong


def test_a_slowdown_of_15_percent_is_found_in_both_metrics_in_nine_runs_of_ten() -> None:
    # On a noisy machine twelve rounds do not suffice: then those that calibration names.
    needed = [rounds_to_see(NOISE.metrics[metric], SLOWDOWN).to_be_called for metric in DECIDING]
    rounds = max(ROUNDS, *(math.inf if each is None else each for each in needed))
    assert rounds < math.inf, f"{SLOWDOWN:.0%} cannot be seen through this noise: {needed}"

    found = dict.fromkeys(DECIDING, 0)
    for log_ratios in simulated(2, RUNS, 2 * int(rounds), SLOWDOWN):
        for comparison in judged(log_ratios, int(rounds)):
            found[comparison.metric] += comparison.decision == "regression"

    assert min(found.values()) >= 0.9 * RUNS, found


def test_an_effect_as_large_as_the_margin_is_called_no_more_often_than_promised() -> None:
    # The worst case of the test: 5% in any metric, and what 1,000 runs leave to chance.
    called = 0
    effect = min(margins(metric, ROUNDS) for metric in DECIDING)
    for log_ratios in simulated(3, RUNS, ROUNDS, effect):
        called += any(each.decision == "regression" for each in compared(log_ratios))

    assert called <= 0.07 * RUNS


@pytest.mark.parametrize("metric", DECIDING)
def test_the_interval_holds_the_true_ratio_in_19_runs_of_20(metric: Metric) -> None:
    held = 0
    for log_ratios in simulated(4, 10 * RUNS, ROUNDS):
        low, high = Paired(log_ratios[DECIDING.index(metric)].tolist()).mean().bounds()
        held += low <= 0 <= high

    assert 0.93 <= held / (10 * RUNS) <= 0.97
