"""What a report is given beside the run and its answers: charts that are drawn."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from outboxbench.report.charts.data_table import DataTable


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
