"""The lines of the distribution of latencies, and what is said of their medians."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from outboxbench.report.charts.findings import over_rounds, overlap
from outboxbench.report.charts.loop_rows import loop_rows
from outboxbench.report.numbers import milliseconds

if TYPE_CHECKING:
    from collections.abc import Mapping

    from outboxbench.analysis.comparable import ComparableArms
    from outboxbench.analysis.ecdf import Ecdf
    from outboxbench.report.charts.loop_rows import LoopRow
    from outboxbench.results.model import Arm, Run


class Line(NamedTuple):
    """The distribution of an arm's latencies, over all rounds and in each."""

    arm: Arm
    name: str
    ecdf: Ecdf

    @property
    def median_us(self) -> float:
        """That of all rounds together."""
        return self.ecdf.quantile_us(0.5)[1]

    @property
    def median_text(self) -> str:
        """The median, and its range over the rounds."""
        fastest_us, slowest_us = self.median_range_us
        over = over_rounds(milliseconds(fastest_us), milliseconds(slowest_us), self.ecdf.rounds)
        return f"{milliseconds(self.median_us)} ms ({over})"

    @property
    def median_range_us(self) -> tuple[float, float]:
        """The median of the fastest round, and that of the slowest."""
        slowest_us, _, fastest_us = self.ecdf.quantile_us(0.5)
        return fastest_us, slowest_us


def rows_of(run: Run, ecdfs: Mapping[str, Ecdf]) -> list[LoopRow[Line]]:
    """The arms with a line, by what they may be compared with."""
    return loop_rows(run, partial(_lines_of, ecdfs))


def _lines_of(ecdfs: Mapping[str, Ecdf], arms: ComparableArms) -> list[Line]:
    return [
        Line(arm, arms.label(arm), ecdfs[arm.name])
        for arm in (*arms.ceilings, *arms.strategies)
        if arm.name in ecdfs
    ]


def fastest(row: LoopRow[Line]) -> str:
    """Say whose median is lowest, and whether the rounds tell it from the next one's."""
    ranked = sorted(
        (line for line in row.lines if line.arm.role == "strategy"),
        key=lambda line: line.median_us,
    )
    first = ranked[0]
    told = (
        f"{row.arms.title}: half of the operations of {first.name} {first.arm.loop} take no"
        f" longer than {first.median_text}"
    )
    if len(ranked) == 1:
        return told
    second = ranked[1]
    apart = not overlap(first.median_range_us, second.median_range_us)
    return (
        f"{told}; next is {second.name} {second.arm.loop} with {second.median_text}, which its"
        f" rounds {'tell apart' if apart else 'do not tell apart'}"
    )
