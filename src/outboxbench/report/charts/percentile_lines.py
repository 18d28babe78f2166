"""The lines of latency by percentile: what each arm's sample supports."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from outboxbench.analysis.latency import spectrum

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from hdrh.histogram import HdrHistogram

    from outboxbench.analysis.comparable import ComparableArms
    from outboxbench.results.model import Arm

_US_PER_MS = 1000


class Line(NamedTuple):
    """The latencies of an arm over one in how many is slower, from the median on."""

    arm: Arm
    name: str
    odds: list[float]
    values_ms: list[float]

    @property
    def p99_us(self) -> float | None:
        """None where the sample does not support it."""
        return self.arm.summary.latency_us.p99 if self.arm.summary else None


def lines_of(arms: ComparableArms, histograms: Mapping[str, HdrHistogram]) -> list[Line]:
    """The lines of a row of panels; none when only the ceiling has one."""
    lines = []
    for arm in (*arms.ceilings, *arms.strategies):
        histogram = histograms.get(arm.name)
        points = (
            [point for point in spectrum(histogram) if point.quantile >= 0.5] if histogram else []
        )
        if points:
            lines.append(
                Line(
                    arm=arm,
                    name=arms.label(arm) if arm.loop else f"{arms.label(arm)} ceiling",
                    odds=[1 / (1 - point.quantile) for point in points],
                    values_ms=[point.value_us / _US_PER_MS for point in points],
                )
            )
    return lines if any(line.arm.role == "strategy" for line in lines) else []


def too_few(arms: ComparableArms, lines: Sequence[Line]) -> str:
    """Name the arms without a line; empty where all have one."""
    drawn = {line.arm.name for line in lines}
    missing = [arm.name for arm in arms.strategies if arm.name not in drawn]
    return f"; too few samples: {', '.join(missing)}" if missing else ""
