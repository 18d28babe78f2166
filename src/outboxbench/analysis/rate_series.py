"""A sweep of rates in figures: its curves, its knee, and what it can do at most."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from outboxbench.analysis.knee import MIN_POINTS, Point, knee
from outboxbench.analysis.series import curve, rate_panels

if TYPE_CHECKING:
    from outboxbench.analysis.comparable import ComparableArms
    from outboxbench.analysis.series import Series
    from outboxbench.results.model import Run

_OWN_RATE = "% of own"


@dataclass(frozen=True, slots=True)
class Sweep:
    """One strategy on one event loop from its lowest rate to its highest."""

    series: Series
    tails: tuple[Point, ...]
    """By the 99th percentile."""
    medians: tuple[Point, ...]
    judged_by: Literal["p99", "p50"]
    """What the knee is found over: p50 where too few samples carry a p99."""

    @property
    def points(self) -> tuple[Point, ...]:
        """The curve that the knee is found over."""
        return self.tails if self.judged_by == "p99" else self.medians

    @property
    def knee(self) -> Point | None:
        """Up to where more load is worth its latency."""
        return knee(self.points)

    @property
    def capacity_per_s(self) -> float | None:
        """What the strategy did in a closed loop."""
        return next((arm.capacity_ok_per_s for arm in self.series.arms), None)

    @property
    def highest_ok_per_s(self) -> float:
        """The most that was done at any rate."""
        return max((point.ok_per_s for point in self.medians), default=0.0)


def sweep(series: Series) -> Sweep:
    """Read a series of rates."""
    tails = curve(series)
    medians = tuple(
        replace(point, latency_us=arm.summary.latency_us.p50)
        for point, arm in zip(
            tails,
            (arm for arm in series.arms if arm.summary and arm.offered_per_s is not None),
            strict=True,
        )
        if arm.summary
    )
    carrying_p99, carrying_p50 = (
        sum(point.keeps_up and point.latency_us is not None for point in points)
        for points in (tails, medians)
    )
    lacks_samples = carrying_p99 < min(MIN_POINTS, carrying_p50)
    return Sweep(series, tails, medians, "p50" if lacks_samples else "p99")


def is_swept(run: Run, arms: ComparableArms) -> bool:
    """Whether a table is of a rate of each arm's own, and every arm in it part of a sweep.

    At rates of their own arms are not alike: what there is to compare is where they end.
    """
    if not str(arms.settings.get("rate", "")).endswith(_OWN_RATE):
        return False
    swept = {
        arm.name for panel in rate_panels(run) for series in panel.series for arm in series.arms
    }
    return all(arm.name in swept for arm in arms.strategies)
