"""The lines of the distribution of latencies, and what is said of their medians."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from outboxbench.analysis.answers.measured import logs
from outboxbench.report.charts.findings import lead_over, over_rounds
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

    @property
    def speed_logs(self) -> dict[str, float]:
        """By round, minus the logarithm of the median: higher is faster."""
        return {key: -value for key, value in logs(self.arm, "latency_p50").items()}


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
    """Say whose median is lowest, and by how much it is ahead of the next."""
    ranked = sorted(
        (line for line in row.lines if line.arm.role == "strategy"),
        key=lambda line: line.median_us,
    )
    first = ranked[0]
    told = (
        f"{row.arms.spoken_title}: half of the operations of {first.name} {first.arm.loop} take no"
        f" longer than {first.median_text}"
    )
    if len(ranked) == 1:
        return told
    second = ranked[1]
    ahead = lead_over(
        f"{second.name} {second.arm.loop} with {second.median_text}",
        first.speed_logs,
        second.speed_logs,
        "as fast as",
    )
    return f"{told}; {ahead}"
