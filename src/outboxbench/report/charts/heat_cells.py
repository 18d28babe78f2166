"""The cells of a heat map: operations counted by interval and by latency."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from outboxbench.report.charts import frame
from outboxbench.results.histograms import GENERATOR_LAG_TAG, GOOD_TAGS, SCHEDULE_LAG_TAG

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from outboxbench.report.charts.windows import IntervalsOf, Window
    from outboxbench.results.histograms import Interval

BUCKETS_PER_DECADE: Final = 12
_LAGS: Final = frozenset({SCHEDULE_LAG_TAG, GENERATOR_LAG_TAG})
_US_PER_MS: Final = 1000


class Heat(NamedTuple):
    """What a window holds: `counts` has a row for each bucket and a column for each interval."""

    window: Window
    starts_s: list[float]
    length_s: float
    counts: NDArray[np.int64]
    failed: list[int]


class Buckets(NamedTuple):
    """The latencies between which operations are counted, the same for all panels."""

    edges_us: NDArray[np.float64]

    def place(self, values_us: NDArray[np.float64]) -> NDArray[np.int64]:
        """The bucket of each value."""
        places = np.searchsorted(self.edges_us, values_us, side="right") - 1
        clipped: NDArray[np.int64] = np.clip(places, 0, len(self.edges_us) - 2)
        return clipped


def heats_of(shown: Sequence[Window], intervals_of: IntervalsOf) -> tuple[Buckets, list[Heat]]:
    """Count the operations of each window in the same buckets.

    Raises NoDataError when no block has a histogram with a good operation in it.
    """
    told = [(window, intervals_of(window.block)) for window in shown]
    good = [
        each.histogram
        for _, intervals in told
        for each in intervals
        if each.tag in GOOD_TAGS and each.histogram.get_total_count()
    ]
    if not good:
        raise frame.NoDataError("no block has a histogram with an operation in it")
    lowest_us = max(min(each.get_min_value() for each in good), 1)
    highest_us = max(each.get_max_value() for each in good)
    first = math.floor(math.log10(lowest_us) * BUCKETS_PER_DECADE)
    last = math.floor(math.log10(highest_us) * BUCKETS_PER_DECADE) + 1
    buckets = Buckets(10 ** (np.arange(first, last + 1) / BUCKETS_PER_DECADE))
    return buckets, [
        _heat(window, intervals, buckets) for window, intervals in told if len(intervals)
    ]


def _heat(window: Window, intervals: Sequence[Interval], buckets: Buckets) -> Heat:
    of_operations = [each for each in intervals if each.tag not in _LAGS]
    opened_s = min(each.start_s for each in of_operations)
    length_s = max(each.length_s for each in of_operations)
    columns = max(round((each.start_s - opened_s) / length_s) for each in of_operations) + 1
    counts = np.zeros((len(buckets.edges_us) - 1, columns), dtype=np.int64)
    failed = [0] * columns
    for each in of_operations:
        column = round((each.start_s - opened_s) / length_s)
        if each.tag not in GOOD_TAGS:
            failed[column] += each.histogram.get_total_count()
            continue
        samples = np.frombuffer(each.histogram.counts, dtype=np.uint64)
        occurred = np.flatnonzero(samples)
        values_us = np.array(
            [max(each.histogram.get_value_from_index(int(place)), 1) for place in occurred], float
        )
        np.add.at(counts[:, column], buckets.place(values_us), samples[occurred].astype(np.int64))
    starts_s = [number * length_s for number in range(columns)]
    return Heat(window, starts_s, length_s, counts, failed)


def densest_ms(heat: Heat, buckets: Buckets) -> tuple[float, float]:
    """Between which latencies most operations of a window are."""
    bucket = int(heat.counts.sum(axis=1).argmax())
    low_us, high_us = buckets.edges_us[bucket : bucket + 2]
    return float(low_us / _US_PER_MS), float(high_us / _US_PER_MS)


def decades_above(heat: Heat) -> float:
    """From where most operations are to where the slowest one is."""
    of_buckets = heat.counts.sum(axis=1)
    return float((np.flatnonzero(of_buckets)[-1] - of_buckets.argmax()) / BUCKETS_PER_DECADE)
