"""The knee of a throughput-latency curve: up to where more load is worth its latency.

Kleinrock's definition, the greatest power: L. Kleinrock, "Power and deterministic rules of thumb
for probabilistic problems in computer communications", ICC 1979.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

MIN_POINTS = 3
"""With fewer a curve has no inside, and so no knee."""

MIN_SERVED_SHARE = 0.98
MAX_SKIPPED_SHARE = 0.01


@dataclass(frozen=True, slots=True)
class Point:
    """What became of one offered load."""

    offered_per_s: float
    ok_per_s: float
    latency_us: float | None
    """Positive; None where there were too few samples to tell."""
    skipped_share: float
    """Of the arrivals that were due."""

    @property
    def keeps_up(self) -> bool:
        """Whether practically all of the offered load was served."""
        return (
            self.ok_per_s >= MIN_SERVED_SHARE * self.offered_per_s
            and self.skipped_share <= MAX_SKIPPED_SHARE
        )


def knee(points: Iterable[Point]) -> Point | None:
    """The point with the most throughput per latency, of those that keep up.

    There a line through the origin touches the curve. None with fewer than MIN_POINTS points that
    keep up and know their latency; and where the knee was not reached: the best point is the
    highest of these, and no higher load failed to keep up.
    """
    by_load = sorted(points, key=lambda point: point.offered_per_s)
    powers = [
        (point.ok_per_s / point.latency_us, point)
        for point in by_load
        if point.keeps_up and point.latency_us is not None
    ]
    if len(powers) < MIN_POINTS:
        return None
    _, best = max(powers, key=lambda power_and_point: power_and_point[0])
    is_highest = best is powers[-1][1]
    overload_seen = any(
        not point.keeps_up for point in by_load if point.offered_per_s > best.offered_per_s
    )
    return None if is_highest and not overload_seen else best
