"""What an A/A run says: how much a machine differs from itself, and what can be seen through it.

Runs that differ in nothing are simulated from the recorded differences of two twins: drawn with
replacement, and with random signs, since the twins could as well have changed places. Draws are
independent: what one round may tell of the next is lost.
"""

from __future__ import annotations

import math
from functools import lru_cache
from statistics import fmean, stdev, variance
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from outboxbench.analysis.comparison import METRICS, MIN_ROUNDS, logs_by_round
from outboxbench.analysis.decision import ALPHA, MIN_MARGIN
from outboxbench.analysis.from_scipy import median_slope, t_quantile
from outboxbench.analysis.intervals import CONFIDENCE
from outboxbench.results.noise import MetricNoise

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from outboxbench.results.comparison import Metric
    from outboxbench.results.model import Arm

POWER = 0.9
"""Which share of runs has to see an effect."""

ROUNDS_GRID: Final = (5, 6, 7, 8, 9, 10, 12, 15, 18, 20, 25, 30, 40, 50, 60, 80, 100)

_DECIDING = sum(not rule.is_advisory for rule in METRICS.values())
_QUANTILE = 0.95
_MARGIN_RUNS = 10_000
_POWER_RUNS = 4_000
_SEED = 20_260_302


class RoundsNeeded(NamedTuple):
    """Rounds with which POWER of all runs see an effect; None if the grid's largest do not."""

    to_tell_from_none: int | None
    """The 95% interval excludes a ratio of 1."""
    to_be_called: int | None
    """It is called a regression."""


def margin(noise: MetricNoise | None, rounds: int) -> float:
    """δ of a run whose rounds are paired: at least MIN_MARGIN, which it is without noise.

    Above it, 95% of such runs that differ in nothing show at most this share. Raises ValueError
    where no difference was recorded.
    """
    if noise is None:
        return MIN_MARGIN
    return max(MIN_MARGIN, math.expm1(_highest_mean(noise.differences, rounds)))


def unpaired_margin(noise: MetricNoise | None, rounds: int) -> float:
    """δ of two runs of `rounds` rounds each, every round set against a control; as `margin`.

    The means of both runs vary. With random signs the difference of two means is twice the mean of
    the rounds of both.
    """
    if noise is None:
        return MIN_MARGIN
    return max(MIN_MARGIN, math.expm1(2 * _highest_mean(noise.differences, 2 * rounds)))


def measure_noise(base: Arm, twin: Arm) -> dict[Metric, MetricNoise]:
    """How much two arms that differ in nothing differ, by metric.

    Metrics with fewer than MIN_ROUNDS rounds in common are left out.
    """
    logs = {metric: _common_logs(base, twin, metric) for metric in METRICS}
    return {
        metric: _metric_noise(*common)
        for metric, common in logs.items()
        if len(common[0]) >= MIN_ROUNDS
    }


def rounds_to_see(noise: MetricNoise, effect: float) -> RoundsNeeded:
    """How many rounds an effect (0.15 is 15% more) needs, by simulation on ROUNDS_GRID.

    A call has to pass the first step of Holm's correction over the deciding metrics of one pair of
    arms. The test asks for more than the margin, so no number of rounds calls an effect that is
    not above it. Rounds that are added to an inconclusive run are not counted on. Raises
    ValueError for an effect that is not positive.
    """
    if effect <= 0:
        raise ValueError(f"an effect to look for is positive, not {effect}")
    draws = _alike(noise.differences, _POWER_RUNS, ROUNDS_GRID[-1]) + math.log1p(effect)
    to_tell_from_none = to_be_called = None
    for rounds in reversed(ROUNDS_GRID):
        means = draws[:, :rounds].mean(axis=1)
        errors = draws[:, :rounds].std(axis=1, ddof=1) / math.sqrt(rounds)
        two_sided = t_quantile(rounds - 1, (1 + CONFIDENCE) / 2) * errors
        one_sided = t_quantile(rounds - 1, 1 - ALPHA / _DECIDING) * errors
        if np.mean(np.abs(means) > two_sided) >= POWER:
            to_tell_from_none = rounds
        if np.mean(means - math.log1p(margin(noise, rounds)) > one_sided) >= POWER:
            to_be_called = rounds
    return RoundsNeeded(to_tell_from_none, to_be_called)


@lru_cache(maxsize=256)
def _highest_mean(differences: tuple[float, ...], rounds: int) -> float:
    """What |mean| of the differences does not exceed in 95% of runs."""
    means = _alike(differences, _MARGIN_RUNS, rounds).mean(axis=1)
    return float(np.quantile(np.abs(means), _QUANTILE))


def _alike(differences: tuple[float, ...], runs: int, rounds: int) -> NDArray[np.float64]:
    """Differences of runs (rows) by round (columns) in which nothing differs."""
    generator = np.random.default_rng(_SEED)
    recorded = np.asarray(differences, dtype=np.float64)
    signs = generator.integers(2, size=(runs, rounds)) * 2 - 1
    return recorded[generator.integers(len(recorded), size=(runs, rounds))] * signs


def _common_logs(
    base: Arm, twin: Arm, metric: Metric
) -> tuple[list[int], list[float], list[float]]:
    """The rounds that both have, and the logarithms of each in them."""
    base_logs, twin_logs = logs_by_round(base, metric), logs_by_round(twin, metric)
    rounds = sorted(base_logs.keys() & twin_logs.keys())
    return rounds, [base_logs[each] for each in rounds], [twin_logs[each] for each in rounds]


def _metric_noise(rounds: list[int], base: list[float], twin: list[float]) -> MetricNoise:
    differences = tuple(of_twin - of_base for of_base, of_twin in zip(base, twin, strict=True))
    slope = median_slope([*base, *twin], [*rounds, *rounds])
    return MetricNoise(
        block_sigma=math.sqrt(fmean((variance(base), variance(twin)))),
        paired_sigma=stdev(differences),
        drift=math.expm1(slope * (rounds[-1] - rounds[0])),
        differences=differences,
    )
