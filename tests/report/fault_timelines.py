"""The chart of a fault over time, drawn of histories that are made up."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.report import faults

from outboxbench.analysis.fault_panels import fault_panels
from outboxbench.analysis.history.over_time import over_time
from outboxbench.report.charts import fault_timeline

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from outboxbench.results.model import Run


def timeline(run: Run, **history: Any) -> Figure:
    """The figure of the first fault, all of whose arms have the same history."""
    panel = fault_panels(run)[0]
    told = {
        arm.name: over_time(faults.lines(**history), arm.availability.timeline, faults.MAX_WAIT_S)
        for arm in panel.arms
    }
    return fault_timeline.draw(run, panel, told)
