"""How late messages come: median and 99th percentile of each hop of an order's chain."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from matplotlib.lines import Line2D

from outboxbench.analysis.relay_panels import relay_panels
from outboxbench.report import style
from outboxbench.report.charts import frame, relay_names
from outboxbench.report.charts.data_table import DataTable
from outboxbench.report.charts.findings import sentence
from outboxbench.report.charts.log_ticks import label_log_axis
from outboxbench.report.numbers import milliseconds

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from outboxbench.analysis.relay_panels import RelayPanel
    from outboxbench.results.block import LatencyUs
    from outboxbench.results.model import Run
    from outboxbench.results.relay import Hop, RelayArm

TITLE = "From a commit to its receivers"
SHOWS = "latency of each hop of an order's chain: median, 99th percentile and longest"
NEEDS = "relays under a steady rate of orders, the chain"
READING = (
    "Each line runs from the median to the 99th percentile: further left is sooner, and shorter is"
    " steadier."
)

HOPS: Final[dict[Hop, str]] = {
    "handler": "until its handler\nis called",
    "broker": "until the broker\nhas confirmed",
    "delivery": "until all receivers\nare done",
    "chain": "order, until its\nconfirmation is out",
}

_US_PER_MS = 1000
_ROW_IN = 0.3
_HEADING_IN = 1.0
_AXIS_IN = 0.7
_NAMES_IN = relay_names.WIDTH_IN + relay_names.VERDICT_IN
_GAP_IN = 0.22
_WIDTH_IN = (frame.WIDTH_IN - 2 * frame.LEFT_IN - _NAMES_IN - 3 * _GAP_IN) / 4


def draw(run: Run) -> Figure:
    """Draw a row for each arm and a column for each hop, the fastest arm on top.

    Raises NoDataError when no chain of orders was measured.
    """
    panels = relay_panels(run, "chain")
    if not panels:
        raise frame.NoDataError("no chain of orders was measured")
    with style.applied():
        figure = frame.new_figure(
            frame.Footer.of_run(run),
            title=TITLE,
            subtitle="Time since the commit of a message was known; further left is better.\n"
            "All rounds together; the 99th percentile from 1,000 messages on.",
            key=_key(),
            panels_in=sum(_height_in(panel) for panel in panels),
        )
        top_in = frame.TOP_IN
        for panel in panels:
            frame.write_heading(figure, panel.title, panel.settings_text, at_in=top_in)
            lowest_us, highest_us = _range_us(panel)
            for column, (hop, meaning) in enumerate(HOPS.items()):
                axes = frame.place(
                    figure,
                    left_in=frame.LEFT_IN + _NAMES_IN + column * (_WIDTH_IN + _GAP_IN),
                    top_in=top_in + _HEADING_IN,
                    width_in=_WIDTH_IN,
                    height_in=_ROW_IN * len(panel.arms),
                )
                axes.set_title(meaning, fontsize=8.5, weight="normal", color=style.FAINT)
                axes.set_xscale("log")
                axes.set_xlim(lowest_us / 1.5, highest_us * 1.5)
                _draw_hop(axes, panel, hop, with_names=column == 0)
            top_in += _height_in(panel)
    return figure


def describe(run: Run) -> str:
    """The chart in words: median and 99th percentile of every hop of every arm."""
    sentences = []
    for panel in relay_panels(run, "chain"):
        arms = [
            f"{panel.label(arm)}, verdict {arm.verdict}: "
            + ", ".join(
                f"{hop} p50 {milliseconds(latency.p50)} ms, p99 {milliseconds(latency.p99)} ms"
                for hop in HOPS
                if (latency := _latency(arm, hop)) is not None
            )
            for arm in panel.arms
        ]
        sentences.append(f"{panel.title}: {'; '.join(arms)}.")
    return " ".join(sentences)


def finding(run: Run) -> str:
    """Say whose messages are all received soonest, and whose latest."""
    told = [_soonest(panel) for panel in relay_panels(run, "chain")]
    return sentence([each for each in told if each])


def data(run: Run) -> DataTable:
    """The percentiles of every hop of every arm."""
    return DataTable(
        columns=(
            *("load", "settings", "relay", "hop", "messages"),
            *("p50, ms", "p99, ms", "longest, ms", "verdict"),
        ),
        rows=tuple(
            (
                *(panel.title, panel.settings_text, panel.label(arm), hop, latency.samples),
                *(
                    None if value is None else value / _US_PER_MS
                    for value in (latency.p50, latency.p99, latency.max)
                ),
                arm.verdict,
            )
            for panel in relay_panels(run, "chain")
            for arm in panel.arms
            for hop in HOPS
            if (latency := _latency(arm, hop)) is not None
        ),
    )


def _soonest(panel: RelayPanel) -> str:
    told = [
        (arm, latency.p50, latency.p99)
        for arm in panel.arms
        if (latency := _latency(arm, "delivery")) is not None and latency.p50 is not None
    ]
    if not told:
        return f"{panel.title}: too few messages for a median"
    ranked = sorted(told, key=lambda each: each[1])
    (first, p50_us, p99_us), (last, slowest_us, _) = ranked[0], ranked[-1]
    tail = "" if p99_us is None else f" (p99 {milliseconds(p99_us)} ms)"
    soonest = (
        f"{panel.title}: half of the messages of {panel.label(first)} are done"
        f" {milliseconds(p50_us)} ms after their commit{tail}"
    )
    if len(ranked) == 1:
        return soonest
    return (
        f"{soonest}, of {panel.label(last)} after {milliseconds(slowest_us)} ms, all rounds"
        " together and so without an interval"
    )


def _height_in(panel: RelayPanel) -> float:
    return _HEADING_IN + _ROW_IN * len(panel.arms) + _AXIS_IN


def _draw_hop(axes: Axes, panel: RelayPanel, hop: Hop, *, with_names: bool) -> None:
    axes.set_ylim(len(panel.arms) - 0.5, -0.5)
    axes.set_yticks([])
    label_log_axis(axes.xaxis, axes.get_xlim(), length_in=_WIDTH_IN, per_unit=1000)
    axes.set_xlabel("ms (logarithmic)", fontsize=9)
    for row, arm in enumerate(panel.arms):
        if with_names:
            frame.write_beside(
                axes,
                relay_names.whole_name(panel, arm) + relay_names.doubt(arm),
                level=1 - (row + 0.5) / len(panel.arms),
                left_in=0.12,
                align="right",
                colour=relay_names.colour(arm),
                size=relay_names.SIZE,
            )
        if (latency := _latency(arm, hop)) is not None:
            _draw_latency(axes, row, arm, latency)


def _draw_latency(axes: Axes, row: int, arm: RelayArm, latency: LatencyUs) -> None:
    look = style.look_of(arm.strategy)
    known = [value for value in (latency.p50, latency.p99) if value is not None]
    axes.plot(known, [row] * len(known), color=look.colour, linewidth=2.2)
    if latency.p50 is not None:
        axes.plot([latency.p50], [row], marker=look.marker, color=look.colour, markersize=7)
    if latency.p99 is not None:
        axes.plot([latency.p99], [row], marker="|", color=look.colour, markersize=11, mew=2.2)
    if latency.max is not None:
        axes.plot([latency.max], [row], marker=".", color=style.FAINT, markersize=4)


def _range_us(panel: RelayPanel) -> tuple[float, float]:
    latencies = [
        latency for arm in panel.arms for hop in HOPS if (latency := _latency(arm, hop)) is not None
    ]
    lowest = min((each.p50 for each in latencies if each.p50), default=100.0)
    highest = max((each.max for each in latencies if each.max), default=100_000.0)
    return lowest, highest


def _latency(arm: RelayArm, hop: Hop) -> LatencyUs | None:
    hops = arm.summary.hops if arm.summary else ()
    return next((each.latency_us for each in hops if each.hop == hop), None)


def _key() -> Sequence[Artist]:
    return (
        Line2D(
            [], [], marker="o", markersize=7, linestyle="none", color=style.FAINT, label="median"
        ),
        Line2D([], [], marker="|", markersize=11, mew=2.2, color=style.FAINT, label="p99"),
        Line2D(
            [], [], marker=".", markersize=6, linestyle="none", color=style.FAINT, label="longest"
        ),
    )
