"""Where two lines cross that are drawn straight from one distance to the next."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

from outboxbench.analysis.series import distance_ms

if TYPE_CHECKING:
    from collections.abc import Sequence

    from outboxbench.analysis.crossings import Crossing
    from outboxbench.analysis.series import Series


class Place(NamedTuple):
    """A place among the distances, counted from 0 for the nearest, and the ok/s there."""

    distance: float
    ok_per_s: float


def place_of(crossing: Crossing, distances_ms: Sequence[float]) -> Place | None:
    """Return where it is seen, over a logarithmic axis of ok/s.

    None where it spans more than two neighbouring distances, or the medians do not cross.
    """
    start, end = distances_ms.index(crossing.near_ms), distances_ms.index(crossing.far_ms)
    if end != start + 1:
        return None
    ahead, behind = (
        [_log_rate(series, distance) for distance in (crossing.near_ms, crossing.far_ms)]
        for series in (crossing.overtaken, crossing.overtaking)
    )
    lead, lag = ahead[0] - behind[0], behind[1] - ahead[1]
    if lead <= 0 or lag <= 0:
        return None
    share = lead / (lead + lag)
    return Place(start + share, math.exp(ahead[0] + share * (ahead[1] - ahead[0])))


def _log_rate(series: Series, at_ms: float) -> float:
    [rate] = [
        arm.summary.ok_per_s_median
        for arm in series.arms
        if arm.summary and distance_ms(arm) == at_ms
    ]
    return math.log(rate)
