"""What an operation costs the processors, arm by arm: its parts, and the range of their sum."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from outboxbench.analysis.comparable import comparable_arms
from outboxbench.report.charts.findings import overlap
from outboxbench.report.numbers import three_digits

if TYPE_CHECKING:
    from outboxbench.analysis.comparable import ComparableArms
    from outboxbench.results.block import Counters
    from outboxbench.results.model import Arm, Run


class Row(NamedTuple):
    """An arm: the medians of its parts, and the least and the most of their sum over the rounds."""

    arm: Arm
    name: str
    client_us: float | None
    server_us: float | None
    least_us: float
    most_us: float
    rounds: int

    @property
    def total_us(self) -> float:
        """The sum of the parts that are known."""
        return (self.client_us or 0) + (self.server_us or 0)


class Panel(NamedTuple):
    """A comparable set of arms, the cheapest first."""

    arms: ComparableArms
    rows: list[Row]


def panels_of(run: Run) -> list[Panel]:
    """The arms whose CPU time is known, by what they may be compared with."""
    panels = []
    for arms in comparable_arms(run):
        rows = [row for arm in arms.strategies if (row := _row(arms, arm)) is not None]
        if rows:
            panels.append(Panel(arms, sorted(rows, key=lambda row: row.total_us)))
    return panels


def cheapest(panel: Panel) -> str:
    """Say which arm is cheapest and which dearest, and whether their rounds overlap."""
    first, last = panel.rows[0], panel.rows[-1]
    told = f"{panel.arms.spoken_title}: an operation takes least CPU with {_told(first)}"
    if first is last:
        return told
    overlaps = overlap((first.least_us, first.most_us), (last.least_us, last.most_us))
    return (
        f"{told}, and most with {_told(last)}; their rounds"
        f" {'overlap' if overlaps else 'do not overlap'}"
    )


def _row(arms: ComparableArms, arm: Arm) -> Row | None:
    sums_us = [total for block in arm.blocks if (total := _sum_us(block.counters)) is not None]
    if arm.summary is None or not sums_us:
        return None
    return Row(
        arm=arm,
        name=arms.label(arm),
        client_us=arm.summary.client_cpu_us_per_op,
        server_us=arm.summary.server_cpu_us_per_op,
        least_us=min(sums_us),
        most_us=max(sums_us),
        rounds=len(sums_us),
    )


def _sum_us(counters: Counters) -> float | None:
    """Of the sides that are known: which these are is the same for all blocks of a run."""
    known = (counters.client_cpu_us_per_op, counters.server_cpu_us_per_op)
    return None if known == (None, None) else sum(each for each in known if each is not None)


def _told(row: Row) -> str:
    client = (
        "" if row.client_us is None else f", {three_digits(row.client_us)} of them the client's"
    )
    return f"{row.name} {row.arm.loop}, {three_digits(row.total_us)} µs{client}"
