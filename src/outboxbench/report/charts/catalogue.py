"""All charts by their names, which are the names of their files too, or their begin."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final, TypeAlias, TypeVar

from outboxbench.analysis.fault_panels import fault_panels
from outboxbench.report.charts import (
    arm_cost,
    ecdf,
    fault_outcomes,
    fault_recovery,
    fault_timeline,
    fault_unavailability,
    heat_map,
    http,
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
from outboxbench.report.charts.chart import drawing
from outboxbench.report.charts.frame import NoDataError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from outboxbench.analysis.fault_panels import FaultPanel
    from outboxbench.report.charts.chart import Chart, ChartWords, Drawing
    from outboxbench.report.charts.recorded import Recorded
    from outboxbench.results.model import Run

    Figures: TypeAlias = Callable[[str, Recorded], Iterator[tuple[str, Callable[[], Drawing]]]]
    """By the name of the chart and what was recorded: each figure by the name of its files."""

Part = TypeVar("Part")


@dataclass(frozen=True, slots=True)
class Entry:
    """A chart of the catalogue."""

    words: ChartWords
    figures: Figures


def _of_the_run(chart: Chart[[Run]]) -> Entry:
    """A chart of the run document alone."""

    def figures(name: str, recorded: Recorded) -> Iterator[tuple[str, Callable[[], Drawing]]]:
        run = recorded.run
        yield name, partial(drawing, chart, _suite(run), run)

    return Entry(chart, figures)


def _of_the_folder(chart: Chart[[Run, Part]], read: Callable[[Recorded], Part]) -> Entry:
    """A chart that takes more than the document."""

    def figures(name: str, recorded: Recorded) -> Iterator[tuple[str, Callable[[], Drawing]]]:
        run = recorded.run
        yield name, lambda: drawing(chart, _suite(run), run, read(recorded))

    return Entry(chart, figures)


def _of_each_fault(name: str, recorded: Recorded) -> Iterator[tuple[str, Callable[[], Drawing]]]:
    panels = fault_panels(recorded.run)
    if not panels:
        yield name, _no_fault
    for panel in panels:
        yield f"{name}-{panel.fault}", partial(_of_fault, recorded, panel)


def _of_fault(recorded: Recorded, panel: FaultPanel) -> Drawing:
    run = recorded.run
    suffix = f": {panel.fault}{_suite(run)}"
    return drawing(fault_timeline, suffix, run, panel, recorded.over_time(panel))


def _no_fault() -> Drawing:
    raise NoDataError("no strategy went through a fault")


def _suite(run: Run) -> str:
    return f", suite {run.suite}"


CATALOGUE: Final[dict[str, Entry]] = {
    "throughput": _of_the_run(throughput),
    "ratios": _of_the_run(ratios),
    "percentile-spectrum": _of_the_folder(
        percentile_spectrum, lambda recorded: recorded.histograms
    ),
    "ecdf": _of_the_folder(ecdf, lambda recorded: recorded.latencies.ecdfs),
    "rate-curve": _of_the_run(rate_curve),
    "timeline": _of_the_folder(timeline, lambda recorded: recorded.intervals),
    "heat-map": _of_the_folder(heat_map, lambda recorded: recorded.intervals),
    "cost": _of_the_run(arm_cost),
    "http": _of_the_run(http),
    "network": _of_the_run(network),
    "relay-drain": _of_the_run(relay_drain),
    "relay-latency": _of_the_run(relay_latency),
    "relay-backlog": _of_the_run(relay_backlog),
    "thesis": _of_the_run(thesis),
    "fault-unavailability": _of_the_run(fault_unavailability),
    "fault-outcomes": _of_the_run(fault_outcomes),
    "fault-recovery": _of_the_run(fault_recovery),
    "fault-timeline": Entry(fault_timeline, _of_each_fault),
}
