"""Does memory stay flat? A line through what processes take, which no step or spike can bend.

It is that of Theil and Sen: the median of the slopes between all pairs of points. Only pairs of the
same generation count, so that a process that takes the place of another begins anew; and only what
comes after the first third of the time, and after each generation's warm-up.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np

from outboxbench.results.block import Check

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from numpy.typing import NDArray

    from outboxbench.results.memory import MemorySeries

LEFT_OUT_SHARE: Final = 1 / 3
"""Of the time; caches and pools fill up at first, however long that takes."""
WARM_UP_S: Final = 10.0
"""Of each generation: imports, connections, statements that are prepared."""
SHORTEST_S: Final = 240.0
"""Of a series; a soak of five minutes has so much."""
SHORTEST_WATCHED_S: Final = 60.0
"""Of what is left of it, all generations together."""

MOST_PER_HOUR: Final = 0.25
"""Of the median: what memory may rise by. What rises more slowly cannot be told within an hour from
a heap that is still finding its size."""
SMALLEST_RISE: Final = 0.1
"""Of the median, over the longest life that was watched: less is what a heap does that still finds
its size, and a server whose sessions come and go; over a few minutes that makes for any rate an
hour. So of processes that are killed every few minutes only a leak is found that hurts them by
then."""


class MemoryTrend(NamedTuple):
    """How memory went. `per_hour` and `rise` are shares of the median, below 0 where it fell.

    `rise` is that over the longest life of a generation; all of them were watched for `watched_s`.
    """

    median_mib: float
    per_hour: float
    rise: float
    watched_s: float

    @property
    def is_flat(self) -> bool:
        """Whether it rose by no more than it may."""
        return self.per_hour <= MOST_PER_HOUR or self.rise <= SMALLEST_RISE


def memory_trend(series: MemorySeries) -> MemoryTrend | None:
    """Return how memory went; None where it was watched for too short a time to tell."""
    at_s, mib = np.array(series.at_s), np.array(series.mib)
    if not len(at_s) or at_s[-1] - at_s[0] < SHORTEST_S:
        return None
    slopes, points, lives_s = [np.empty(0)], [np.empty(0)], [0.0]
    for generation in _generations(series, at_s):
        if len(generation) < 2:
            continue
        slopes.append(_slopes(at_s[generation], mib[generation]))
        points.append(mib[generation])
        lives_s.append(float(at_s[generation[-1]] - at_s[generation[0]]))
    watched_s = sum(lives_s)
    if watched_s < SHORTEST_WATCHED_S:
        return None
    median_mib = float(np.median(np.concatenate(points)))
    share_per_s = float(np.median(np.concatenate(slopes))) / max(median_mib, 1.0)
    return MemoryTrend(median_mib, share_per_s * 3600, share_per_s * max(lives_s), watched_s)


def memory_checks(memory: Iterable[MemorySeries]) -> tuple[Check, ...]:
    """Return a check for each series that is long enough for one."""
    return tuple(
        Check.of(
            f"memory of the {series.of} stays flat",
            passed=trend.is_flat,
            detail=f"{trend.rise:+.1%} of {trend.median_mib:.0f} MiB in the longest life, "
            f"{trend.per_hour:+.1%} an hour, watched for {trend.watched_s:.0f} s; flat is up to "
            f"{SMALLEST_RISE:.0%} in a life, or up to {MOST_PER_HOUR:.0%} an hour",
        )
        for series in memory
        if (trend := memory_trend(series)) is not None
    )


def _generations(series: MemorySeries, at_s: NDArray[Any]) -> Iterator[NDArray[Any]]:
    """Yield the places of the points that count, of each generation."""
    generations = np.array(series.generations)
    counts_from_s = at_s[0] + (at_s[-1] - at_s[0]) * LEFT_OUT_SHARE
    for number in np.unique(generations):
        places = np.flatnonzero(generations == number)
        warm_from_s = at_s[places[0]] + WARM_UP_S
        yield places[at_s[places] >= max(counts_from_s, warm_from_s)]


def _slopes(at_s: NDArray[Any], mib: NDArray[Any]) -> NDArray[Any]:
    """Return the slopes between all pairs of points, in MiB/s; shape (n (n - 1) / 2,)."""
    one, other = np.triu_indices(len(at_s), k=1)
    slopes: NDArray[Any] = (mib[other] - mib[one]) / (at_s[other] - at_s[one])
    return slopes
