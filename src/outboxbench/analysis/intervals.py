"""How large a ratio is, and how surely: estimates from logarithms, returned as ratios.

`Paired` holds one logarithm of a ratio a round, `Unpaired` the logarithms of two samples that
were not measured in the same rounds. Both answer the same questions, see `LogRatios`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple, Protocol

import numpy as np

from outboxbench.analysis.from_scipy import t_quantile

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

CONFIDENCE = 0.95
RESAMPLES = 10_000

_UPPER_QUANTILE = (1 + CONFIDENCE) / 2
_SEED = 20_260_301


class Estimate(NamedTuple):
    """A ratio and the interval around it; `low` and `high` are ratios too."""

    ratio: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class MeanLogRatio:
    """The mean logarithm of a ratio; over its standard error it follows Student's t."""

    value: float
    standard_error: float
    """0 where all values are equal: then the mean counts as known exactly."""
    degrees: float
    """Of freedom; no whole number in Welch's approximation."""

    def bounds(self) -> tuple[float, float]:
        """Both ends of the two-sided 95% interval, as logarithms."""
        half = t_quantile(self.degrees, _UPPER_QUANTILE) * self.standard_error
        return self.value - half, self.value + half

    def t_interval(self) -> Estimate:
        """The two-sided 95% t-interval."""
        low, high = self.bounds()
        return Estimate(math.exp(self.value), math.exp(low), math.exp(high))


class LogRatios(Protocol):
    """What is known of the ratio of two arms."""

    @property
    def rounds(self) -> int:
        """Number of rounds, of the side that has fewer."""

    def mean(self) -> MeanLogRatio:
        """The mean, whose t-interval decides."""

    def bootstrap_interval(self) -> Estimate:
        """The mean with its 95% percentile bootstrap, the same for the same values."""

    def hodges_lehmann(self) -> float:
        """The ratio by an estimator that single outliers do not move."""


@dataclass(frozen=True, slots=True)
class Paired:
    """Logarithms of the ratios of two arms, one a round.

    Raises ValueError with fewer than two.
    """

    differences: Sequence[float]

    def __post_init__(self) -> None:
        _require_two(self.differences)

    @property
    def rounds(self) -> int:
        """Number of ratios."""
        return len(self.differences)

    def mean(self) -> MeanLogRatio:
        """Student's t over the ratios."""
        mean, variance = _mean_and_its_variance(self.differences)
        return MeanLogRatio(mean, math.sqrt(variance), self.rounds - 1)

    def bootstrap_interval(self) -> Estimate:
        """Rounds are resampled."""
        return _percentile_interval(self.mean(), _resampled_means(self.differences, side=0))

    def hodges_lehmann(self) -> float:
        """Median of the Walsh averages: the means of all pairs, each with itself included."""
        values = np.asarray(self.differences, dtype=np.float64)
        first, second = np.triu_indices(len(values))
        return math.exp(np.median((values[first] + values[second]) / 2))


@dataclass(frozen=True, slots=True)
class Unpaired:
    """Logarithms of the values of two independent samples, whose ratio is head / base.

    Raises ValueError with fewer than two on either side.
    """

    base: Sequence[float]
    head: Sequence[float]

    def __post_init__(self) -> None:
        _require_two(self.base)
        _require_two(self.head)

    @property
    def rounds(self) -> int:
        """Number of values of the smaller sample."""
        return min(len(self.base), len(self.head))

    def mean(self) -> MeanLogRatio:
        """Welch's t: the samples may differ in size and variance."""
        base_mean, base_variance = _mean_and_its_variance(self.base)
        head_mean, head_variance = _mean_and_its_variance(self.head)
        variance = base_variance + head_variance
        # As shares, which neither underflow nor divide 0 by 0 as the squares of variances do.
        share = head_variance / variance if variance else 0.5
        degrees = 1 / (share**2 / (len(self.head) - 1) + (1 - share) ** 2 / (len(self.base) - 1))
        return MeanLogRatio(head_mean - base_mean, math.sqrt(variance), degrees)

    def bootstrap_interval(self) -> Estimate:
        """Each sample is resampled by itself."""
        base_means = _resampled_means(self.base, side=0)
        head_means = _resampled_means(self.head, side=1)
        return _percentile_interval(self.mean(), head_means - base_means)

    def hodges_lehmann(self) -> float:
        """Median of all differences between a value of head and one of base."""
        return math.exp(np.median(np.subtract.outer(self.head, self.base)))


def _require_two(values: Sequence[float]) -> None:
    if len(values) < 2:
        raise ValueError(f"an interval needs two values on a side, not {len(values)}")


def _mean_and_its_variance(values: Sequence[float]) -> tuple[float, float]:
    """Mean, and the variance of that mean (not of the values)."""
    count = len(values)
    if min(values) == max(values):
        # Rounding must not give equal values a spread.
        return float(values[0]), 0.0
    mean = math.fsum(values) / count
    squares = math.fsum((value - mean) ** 2 for value in values)
    return mean, squares / (count - 1) / count


def _percentile_interval(mean: MeanLogRatio, resampled: NDArray[np.float64]) -> Estimate:
    low, high = np.quantile(resampled, (1 - _UPPER_QUANTILE, _UPPER_QUANTILE))
    return Estimate(math.exp(mean.value), math.exp(low), math.exp(high))


def _resampled_means(values: Sequence[float], *, side: int) -> NDArray[np.float64]:
    array = np.asarray(values, dtype=np.float64)
    # A mean lies among its values, except for rounding, which must not widen a point.
    return np.clip(_resampling_weights(len(array), side) @ array, array.min(), array.max())


@lru_cache(maxsize=8)
def _resampling_weights(count: int, side: int) -> NDArray[np.float64]:
    """In each resample (row) the share of each value (column).

    The two sides of a comparison draw differently: with the same draws they would be paired.
    """
    generator = np.random.default_rng((_SEED, side))
    weights = generator.multinomial(count, np.full(count, 1 / count), size=RESAMPLES) / count
    weights.setflags(write=False)
    return weights
