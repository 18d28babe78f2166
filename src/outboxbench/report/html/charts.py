"""Charts as they stand in the report: with their sentences, and their figures as a table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from outboxbench.report.html.images import ImageStrip, images
from outboxbench.report.html.table import Cell, count, figure, word

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from outboxbench.report.charts import data_table
    from outboxbench.report.html.inputs import ReportChart

MOST_CELLS: Final = 4_000
ALL_CELLS: Final = 30_000
"""Of all data tables together; what is beyond is in run.json and the exports."""


@dataclass(frozen=True, slots=True)
class ChartFigures:
    """The figures of a chart: all of them, or the first and how many are left out."""

    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    is_numeric: tuple[bool, ...]
    left_out: int


@dataclass(frozen=True, slots=True)
class ChartSection:
    """A chart with its images and its figures."""

    chart: ReportChart
    strips: tuple[ImageStrip, ...]
    figures: ChartFigures


def chart_sections(charts: Sequence[ReportChart]) -> Iterator[ChartSection]:
    """Yield each chart in the order given."""
    most_cells = min(MOST_CELLS, ALL_CELLS // max(len(charts), 1))
    for chart, strips in zip(charts, images(charts), strict=True):
        yield ChartSection(chart, strips, _figures(chart, most_cells))


def _figures(chart: ReportChart, most_cells: int) -> ChartFigures:
    data = chart.data
    rows = data.rows[: max(most_cells // max(len(data.columns), 1), 1)]
    return ChartFigures(
        columns=data.columns,
        rows=tuple(tuple(map(_cell, row)) for row in rows),
        is_numeric=tuple(
            any(isinstance(row[place], int | float) for row in data.rows)
            for place in range(len(data.columns))
        ),
        left_out=len(data.rows) - len(rows),
    )


def _cell(value: data_table.Cell) -> Cell:
    if isinstance(value, int):
        return count(value)
    return figure(value) if isinstance(value, float) else word(value)
