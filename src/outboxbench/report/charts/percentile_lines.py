"""The lines of latency by percentile: what each arm's sample supports."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from outboxbench.analysis.latency import spectrum
from outboxbench.report.charts.findings import over_rounds
from outboxbench.report.charts.loop_rows import loop_rows
from outboxbench.report.numbers import milliseconds

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hdrh.histogram import HdrHistogram

    from outboxbench.analysis.comparable import ComparableArms
    from outboxbench.report.charts.loop_rows import LoopRow
    from outboxbench.results.model import Arm, Run

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


def rows_of(run: Run, histograms: Mapping[str, HdrHistogram]) -> list[LoopRow[Line]]:
    """The arms with a line, by what they may be compared with."""
    return loop_rows(run, partial(_lines_of, histograms))


def _lines_of(histograms: Mapping[str, HdrHistogram], arms: ComparableArms) -> list[Line]:
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
    return lines


def too_few(row: LoopRow[Line]) -> str:
    """Name the arms without a line; empty where all have one."""
    drawn = {line.arm.name for line in row.lines}
    missing = [arm.name for arm in row.arms.strategies if arm.name not in drawn]
    return f"; too few samples: {', '.join(missing)}" if missing else ""


def tails(row: LoopRow[Line]) -> str:
    """Say which strategies have the lowest and the highest p99, and their range over rounds."""
    told = sorted(
        ((p99_us, line) for line in row.lines if line.arm.loop and (p99_us := line.p99_us)),
        key=lambda each: each[0],
    )
    if not told:
        return f"{row.arms.spoken_title}: no strategy has the 1,000 samples that a p99 needs"
    (lowest_us, first), (highest_us, last) = told[0], told[-1]
    lowest = (
        f"{first.name} {first.arm.loop} has the lowest p99, {milliseconds(lowest_us)} ms"
        f"{_over_rounds(first)}"
    )
    if len(told) == 1:
        return f"{row.arms.spoken_title}: {lowest}"
    return (
        f"{row.arms.spoken_title}: {lowest}, and {last.name} {last.arm.loop} the highest,"
        f" {milliseconds(highest_us)} ms{_over_rounds(last)}"
    )


def _over_rounds(line: Line) -> str:
    """The range of p99 over the rounds that have samples enough for one."""
    found = [p99 for block in line.arm.blocks if (p99 := block.latency_us.p99) is not None]
    if len(found) < 2:
        return " (known of all rounds together alone)"
    over = over_rounds(milliseconds(min(found)), milliseconds(max(found)), len(found))
    return f" ({over})"
