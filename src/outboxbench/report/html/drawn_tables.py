"""Faults that came in turns as tables: each fault by itself, for each arm that met them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from outboxbench.analysis.fault_panels import fault_panels
from outboxbench.analysis.history.availability_summary import summarise
from outboxbench.report.drawn_table import memory_line
from outboxbench.report.fault_matrix import sign_of
from outboxbench.report.html.fault_tables import AVAILABILITY, availability
from outboxbench.report.html.marks import mark_of
from outboxbench.report.html.table import (
    ReportTable,
    Row,
    figure_columns,
    text_columns,
    verdict,
)
from outboxbench.results.faults import DRAWN

if TYPE_CHECKING:
    from collections.abc import Iterator

    from outboxbench.results.faults import FaultArm
    from outboxbench.results.model import Run

DRAWN_LEGEND: Final = (
    "Columns are as above. The verdict is that of the arm: its history is judged as a whole."
)


def drawn_tables(run: Run) -> Iterator[ReportTable]:
    """Yield a table for each arm, a row for each fault that it met."""
    for panel in fault_panels(run):
        for arm in panel.arms if panel.fault == DRAWN else ():
            yield ReportTable(
                title=f"{panel.label(arm)}, each fault by itself",
                names="fault",
                columns=(*text_columns("verdict"), *figure_columns(AVAILABILITY)),
                rows=tuple(_rows(arm)),
                notes=(memory_line(arm),),
            )


def _rows(arm: FaultArm) -> Iterator[Row]:
    injections = arm.availability.injections
    sign = sign_of(arm)
    for fault in sorted({each.fault for each in injections}):
        summary = summarise([each for each in injections if each.fault == fault])
        yield Row(
            name=fault,
            cells=(verdict(sign), *availability(summary, summary.outcomes)),
            mark=mark_of(sign),
            strategy=arm.strategy,
            loop=arm.loop,
            profile=arm.profile,
        )
