"""How latencies are distributed: which share of operations took no longer than a value.

Counted on a grid of values that is the same for all histograms, so that the rounds of an arm can be
laid over each other.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from outboxbench.results.buckets import COUNTS_LENGTH, HIGHEST_US, counts_index

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from hdrh.histogram import HdrHistogram
    from numpy.typing import NDArray

POINTS_PER_DECADE: Final = 40
FEWEST_SAMPLES: Final = 20
"""As many as a median needs: a round with fewer is no distribution."""

_GRID_US: Final = np.unique(
    np.round(10 ** np.arange(0, np.log10(HIGHEST_US), 1 / POINTS_PER_DECADE)).astype(np.int64)
)
_PLACES: Final = np.array([counts_index(int(value_us)) for value_us in _GRID_US])


class Ecdf(NamedTuple):
    """Shares of operations that took no longer than each value; all arrays are of one length.

    `share` is of all rounds together, `least` and `most` are those of single rounds; with one
    round they are equal.
    """

    values_us: NDArray[np.int64]
    share: NDArray[np.float64]
    least: NDArray[np.float64]
    most: NDArray[np.float64]
    rounds: int
    samples: int

    def quantile_us(self, quantile: float) -> tuple[float, float, float]:
        """The value that so many do not exceed: in the slowest round, in all, in the fastest.

        Interpolated on the grid, whose values are 6% apart.
        """

        def value_us(shares: NDArray[np.float64]) -> float:
            return float(np.exp(np.interp(quantile, shares, np.log(self.values_us))))

        return value_us(self.least), value_us(self.share), value_us(self.most)


def cumulated(histograms: Iterable[HdrHistogram]) -> NDArray[np.int64]:
    """How many samples of all histograms together lie at or below each value of the grid."""
    total = np.zeros(COUNTS_LENGTH, dtype=np.uint64)
    for histogram in histograms:
        total += np.frombuffer(histogram.counts, dtype=np.uint64)
    at_grid: NDArray[np.int64] = np.cumsum(total)[_PLACES].astype(np.int64)
    return at_grid


def ecdf(rounds: Sequence[NDArray[np.int64]]) -> Ecdf | None:
    """The distribution of an arm's rounds, each as `cumulated` counts it.

    Cut to the stretch in which it rises; None where no round has samples enough.
    """
    told = [each for each in rounds if each[-1] >= FEWEST_SAMPLES]
    if not told:
        return None
    total = np.sum(told, axis=0)
    shares = np.array([each / each[-1] for each in told])
    # From the last value that nobody stayed below to the first one that nobody exceeded.
    first = max(int(np.argmax(total > 0)) - 1, 0)
    last = int(np.argmax(total == total[-1])) + 1
    rising = slice(first, last)
    return Ecdf(
        values_us=_GRID_US[rising],
        share=(total / total[-1])[rising],
        least=shares.min(axis=0)[rising],
        most=shares.max(axis=0)[rising],
        rounds=len(told),
        samples=int(total[-1]),
    )
