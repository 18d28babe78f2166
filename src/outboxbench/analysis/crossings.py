"""Where the ranking changes with the distance: who leads near the server, and who far from it."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations, pairwise
from typing import TYPE_CHECKING

from outboxbench.analysis.comparison import logs_by_round
from outboxbench.analysis.intervals import Paired
from outboxbench.analysis.series import distance_ms

if TYPE_CHECKING:
    from collections.abc import Iterator

    from outboxbench.analysis.series import Panel, Series
    from outboxbench.results.model import Arm


@dataclass(frozen=True, slots=True)
class Crossing:
    """Between two distances, in ms a round trip, one series overtakes another in ok/s."""

    near_ms: float
    far_ms: float
    overtaken: Series
    overtaking: Series


def crossings(panel: Panel) -> tuple[Crossing, ...]:
    """Every change of order that the rounds bear out: both intervals exclude a tie."""
    return tuple(
        crossing
        for one, other in combinations(panel.series, 2)
        for crossing in _between(one, other)
    )


def _between(one: Series, other: Series) -> Iterator[Crossing]:
    shared = [
        (first, second)
        for first in one.arms
        for second in other.arms
        if distance_ms(first) == distance_ms(second)
    ]
    signs = [
        (distance_ms(first), sign)
        for first, second in shared
        if (sign := _who_leads(first, second)) != 0
    ]
    for (near_ms, before), (far_ms, after) in pairwise(signs):
        if before != after:
            ahead, behind = (one, other) if before > 0 else (other, one)
            yield Crossing(near_ms, far_ms, overtaken=ahead, overtaking=behind)


def _who_leads(first: Arm, second: Arm) -> int:
    """1 if the first does more in the same rounds, -1 if the second does, 0 if nobody can tell."""
    one, other = logs_by_round(first, "ok_per_s"), logs_by_round(second, "ok_per_s")
    common = sorted(one.keys() & other.keys())
    if len(common) < 2:
        return 0
    found = Paired([one[number] - other[number] for number in common]).mean().t_interval()
    return (found.low > 1) - (found.high < 1)
