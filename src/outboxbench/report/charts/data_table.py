"""What a chart shows as a table: for who cannot see it, and for who wants the figures."""

from __future__ import annotations

from dataclasses import dataclass

Cell = str | int | float | None
"""A name or a figure; None where there is no figure."""


@dataclass(frozen=True, slots=True)
class DataTable:
    """The figures of one chart.

    Args:
        columns: what each column holds, with its unit.
        rows: as many cells as there are columns; the first ones name the row.
    """

    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
