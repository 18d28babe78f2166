"""Faults that came in turns, on the terminal: each by itself, and whether memory stayed flat."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rich.text import Text

from outboxbench.analysis.fault_panels import fault_panels
from outboxbench.analysis.memory import memory_trend
from outboxbench.report.fault_table import COLUMNS, cells
from outboxbench.report.figures_table import Name, figures_table
from outboxbench.results.faults import DRAWN

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import RenderableType
    from rich.table import Table

    from outboxbench.results.faults import FaultArm
    from outboxbench.results.memory import MemorySeries
    from outboxbench.results.model import Run

_LEFT_OUT: Final = frozenset({"ok", "recov-\nered"})
"""What the names of faults need the room of; the sums are in the other table."""


def drawn_report(run: Run) -> Iterator[RenderableType]:
    """A table of the faults that each arm met in turns, and a line on its memory."""
    for panel in fault_panels(run):
        if panel.fault == DRAWN:
            for arm in panel.arms:
                yield from (Text(), _table(panel.label(arm), arm))
                yield Text(memory_line(arm), style="dim")


def _table(label: str, arm: FaultArm) -> Table:
    injections = arm.availability.injections
    figures = (column for column in COLUMNS if column not in _LEFT_OUT)
    table = figures_table(f"{label}, each fault by itself", ("fault",), ("times", *figures))
    for fault in sorted({each.fault for each in injections}):
        of_it = [each for each in injections if each.fault == fault]
        told = zip(COLUMNS, cells(of_it), strict=True)
        shown = (value for column, value in told if column not in _LEFT_OUT)
        table.add_row(Name(fault), f"{len(of_it)}", *shown)
    return table


def memory_line(arm: FaultArm) -> str:
    """What everybody's memory was, and by how much it rose while one process had it."""
    told = ", ".join(map(_trend, arm.memory))
    return f"memory, and how it rose in the longest life of a process: {told or 'was not watched'}"


def _trend(series: MemorySeries) -> str:
    trend = memory_trend(series)
    if trend is None:
        return f"{series.of} {series.mib[-1]:.0f} MiB, too short to tell"
    return f"{series.of} {trend.median_mib:.0f} MiB {trend.rise:+.1%}"
