"""All charts as PNG and SVG files; the same figures give the same SVG, byte for byte."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Protocol

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.backends.backend_svg import FigureCanvasSVG

from outboxbench.analysis.fault_panels import fault_panels
from outboxbench.analysis.history.over_time import over_time
from outboxbench.report import style
from outboxbench.report.charts import (
    cost,
    fault_outcomes,
    fault_recovery,
    fault_timeline,
    fault_unavailability,
    network,
    percentile_spectrum,
    rate_curve,
    ratios,
    relay_backlog,
    relay_drain,
    relay_latency,
    thesis,
    throughput,
    timeline,
)
from outboxbench.report.charts.frame import NoDataError
from outboxbench.results.folders import RunReadError, RunWriteError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from matplotlib.figure import Figure

    from outboxbench.analysis.fault_panels import FaultPanel
    from outboxbench.results.cost import Costs
    from outboxbench.results.model import Run
    from outboxbench.results.store import RunFolder

DPI = 150


@dataclass(frozen=True, slots=True)
class RenderedCharts:
    """The files that were written, and why a chart is not among them."""

    files: tuple[Path, ...]
    left_out: dict[str, str]


@dataclass(frozen=True, slots=True)
class _Drawing:
    figure: Figure
    title: str
    description: str


class _RunChart(Protocol):
    """A module that draws a chart from the run document alone."""

    TITLE: str

    def draw(self, run: Run) -> Figure: ...

    def describe(self, run: Run) -> str: ...


def render_charts(run: Run, folder: RunFolder) -> RenderedCharts:
    """Write every chart that has data into the run's charts folder, over earlier ones.

    Raises RunWriteError when a file cannot be written.
    """
    files: list[Path] = []
    left_out: dict[str, str] = {}
    for name, draw in _charts_of(run):
        try:
            drawing = draw(run, folder)
        except (NoDataError, RunReadError) as error:
            left_out[name] = str(error)
        else:
            files += _save(drawing, folder.charts_folder, name)
    return RenderedCharts(tuple(files), left_out)


def render_cost_chart(costs: Costs, folder: Path) -> tuple[Path, ...]:
    """Write the chart of timed costs into a folder, over an earlier one.

    Raises RunWriteError when a file cannot be written, NoDataError when nothing was timed.
    """
    drawing = _Drawing(cost.draw(costs), cost.TITLE, cost.describe(costs))
    return tuple(_save(drawing, folder, "cost"))


def _percentile_spectrum(run: Run, folder: RunFolder) -> _Drawing:
    histograms = {arm.name: folder.good_latencies(arm) for arm in run.arms}
    return _Drawing(
        figure=percentile_spectrum.draw(run, histograms),
        title=f"{percentile_spectrum.TITLE}, suite {run.suite}",
        description=percentile_spectrum.describe(run, histograms),
    )


def _timeline(run: Run, folder: RunFolder) -> _Drawing:
    return _Drawing(
        figure=timeline.draw(run, folder.intervals),
        title=f"{timeline.TITLE}, suite {run.suite}",
        description=timeline.describe(run),
    )


def _fault_timeline(panel: FaultPanel, run: Run, folder: RunFolder) -> _Drawing:
    told = {
        arm.name: over_time(
            folder.history(arm), arm.availability.timeline, float(str(arm.settings["max_wait_s"]))
        )
        for arm in panel.arms
    }
    return _Drawing(
        figure=fault_timeline.draw(run, panel, told),
        title=f"{fault_timeline.TITLE}: {panel.fault}, suite {run.suite}",
        description=fault_timeline.describe(panel),
    )


def _no_fault_timeline(_run: Run, _folder: RunFolder) -> _Drawing:
    raise NoDataError("no strategy went through a fault")


def _of_the_run(chart: _RunChart) -> Callable[[Run, RunFolder], _Drawing]:
    def drawing(run: Run, _: RunFolder) -> _Drawing:
        return _Drawing(
            figure=chart.draw(run),
            title=f"{chart.TITLE}, suite {run.suite}",
            description=chart.describe(run),
        )

    return drawing


def _charts_of(run: Run) -> Iterator[tuple[str, Callable[[Run, RunFolder], _Drawing]]]:
    """Every chart by the name of its files; one that has a figure for each fault is so many."""
    yield from _CHARTS.items()
    panels = fault_panels(run)
    if not panels:
        yield _FAULT_TIMELINE, _no_fault_timeline
    for panel in panels:
        yield f"{_FAULT_TIMELINE}-{panel.fault}", partial(_fault_timeline, panel)


_FAULT_TIMELINE = "fault-timeline"
_CHARTS: dict[str, Callable[[Run, RunFolder], _Drawing]] = {
    "throughput": _of_the_run(throughput),
    "ratios": _of_the_run(ratios),
    "percentile-spectrum": _percentile_spectrum,
    "rate-curve": _of_the_run(rate_curve),
    "timeline": _timeline,
    "network": _of_the_run(network),
    "relay-drain": _of_the_run(relay_drain),
    "relay-latency": _of_the_run(relay_latency),
    "relay-backlog": _of_the_run(relay_backlog),
    "thesis": _of_the_run(thesis),
    "fault-unavailability": _of_the_run(fault_unavailability),
    "fault-outcomes": _of_the_run(fault_outcomes),
    "fault-recovery": _of_the_run(fault_recovery),
}
CHARTS = {
    "throughput": throughput.SHOWS,
    "ratios": ratios.SHOWS,
    "percentile-spectrum": percentile_spectrum.SHOWS,
    "rate-curve": rate_curve.SHOWS,
    "timeline": timeline.SHOWS,
    "network": network.SHOWS,
    "relay-drain": relay_drain.SHOWS,
    "relay-latency": relay_latency.SHOWS,
    "relay-backlog": relay_backlog.SHOWS,
    "thesis": thesis.SHOWS,
    "fault-unavailability": fault_unavailability.SHOWS,
    "fault-outcomes": fault_outcomes.SHOWS,
    "fault-recovery": fault_recovery.SHOWS,
    _FAULT_TIMELINE: fault_timeline.SHOWS,
}
"""What each chart shows, by its name, which is the name of its files too, or their begin."""


def _save(drawing: _Drawing, folder: Path, name: str) -> list[Path]:
    png, svg = folder / f"{name}.png", folder / f"{name}.svg"
    words = {"Title": drawing.title, "Description": drawing.description}
    try:
        folder.mkdir(exist_ok=True)
        with style.applied():
            FigureCanvasAgg(drawing.figure).print_figure(png, dpi=DPI, metadata=words)
            # Without the date that Matplotlib adds.
            # The resolution is that of what is not drawn as paths.
            FigureCanvasSVG(drawing.figure).print_figure(
                svg, dpi=DPI, metadata={**words, "Date": None}
            )
    except OSError as error:
        raise RunWriteError(
            f"cannot write the chart {name} to {folder} ({error.strerror}): free some space"
        ) from error
    return [png, svg]
