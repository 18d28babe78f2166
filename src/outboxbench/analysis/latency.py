"""What a latency histogram may say: a percentile needs ten samples beyond it, or stays blank."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from outboxbench.results.block import LatencyUs

if TYPE_CHECKING:
    from hdrh.histogram import HdrHistogram
    from numpy.typing import NDArray

SAMPLES_BEYOND = 10
"""A percentile p is told only from 10 / (1 - p) samples on."""

POINTS_PER_DECADE = 32
"""How finely a spectrum is drawn, from each nine of the quantile to the next."""

_MEDIAN_ODDS = 2.0

# In samples, not computed from the percentile: 10 / (1 - 0.9) is not 100 in floating point.
_PERCENTILES = {
    "p50": (50.0, 20),
    "p90": (90.0, 100),
    "p99": (99.0, 1_000),
    "p99_9": (99.9, 10_000),
}


class SpectrumPoint(NamedTuple):
    """A latency that the share `quantile` of the samples does not exceed."""

    quantile: float
    value_us: float


def percentiles(histogram: HdrHistogram) -> LatencyUs:
    """The percentiles that the sample size supports, in µs; the rest is None.

    Each is the upper edge of its histogram bucket, as HdrHistogram's own tools report it: exact
    below 2,048 µs and at most 0.1% too high above.
    """
    samples = histogram.get_total_count()
    supported = {name: p for name, (p, needed) in _PERCENTILES.items() if samples >= needed}
    values = histogram.get_percentile_to_value_dict(list(supported.values()))
    return LatencyUs(
        samples=samples,
        **{name: float(values[p]) for name, p in supported.items()},
        max=float(histogram.get_max_value()) if samples else None,
    )


def spectrum(histogram: HdrHistogram) -> tuple[SpectrumPoint, ...]:
    """The latency at each quantile, up to the highest one that the sample size supports.

    Quantiles run from 0 and include 0.5, 0.9, 0.99…, where the values are those of `percentiles`.
    Empty when there are too few samples even for the median.
    """
    samples = histogram.get_total_count()
    highest = samples / SAMPLES_BEYOND
    if highest < _MEDIAN_ODDS:
        return ()
    odds = _odds(highest)
    quantiles = 1 - 1 / odds
    # HdrHistogram's own rank of a percentile, so that both agree on its value.
    ranks = np.maximum(np.floor(quantiles * samples + 0.5), 1)
    cumulated = np.cumsum(np.frombuffer(histogram.counts, dtype=np.uint64))
    return tuple(
        SpectrumPoint(float(quantile), float(_upper_edge_us(histogram, int(index))))
        for quantile, index in zip(quantiles, np.searchsorted(cumulated, ranks), strict=True)
    )


def _odds(highest: float) -> NDArray[np.float64]:
    """One in how many is slower: 1 / (1 - quantile), evenly spaced within each power of ten."""
    decades = math.floor(math.log10(highest)) + 1
    grid = [
        10 ** (decade + step / POINTS_PER_DECADE)
        for decade in range(decades)
        for step in range(POINTS_PER_DECADE)
    ]
    return np.unique([odds for odds in (*grid, _MEDIAN_ODDS, highest) if odds <= highest])


def _upper_edge_us(histogram: HdrHistogram, index: int) -> int:
    return int(histogram.get_highest_equivalent_value(histogram.get_value_from_index(index)))
