"""What a report is given beside answers and comparisons: runs, and charts that are drawn."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from outboxbench.report.charts.data_table import DataTable
    from outboxbench.results.model import Run


@dataclass(frozen=True, slots=True)
class ReportChart:
    """One chart with all that stands around it.

    Args:
        name: as in the names of its files.
        title: its heading.
        reading: one sentence on how to read it.
        finding: one sentence on what it shows of this run.
        description: what it shows, for who cannot see it.
        data: its figures.
        svg: the drawing, where it may be shown as one.
        png: the drawing in pixels, where it may be shown so. At least one of both is there.
    """

    name: str
    title: str
    reading: str
    finding: str
    description: str
    data: DataTable
    svg: str | None = None
    png: bytes | None = None

    def __post_init__(self) -> None:
        if self.svg is None and self.png is None:
            raise ValueError(f"the chart {self.name} has no drawing: give its svg or its png")


@dataclass(frozen=True, slots=True)
class ComparedRun:
    """One of two runs that are compared.

    Args:
        name: what it is called beside the other: its folder.
        run: what was measured.
        charts: the drawn ones, in the order in which they are shown.
        left_out: why a chart is not among them, by its name.
    """

    name: str
    run: Run
    charts: tuple[ReportChart, ...]
    left_out: Mapping[str, str]
