"""Throughput across a network: a line for each strategy, and where they cross."""

from __future__ import annotations

import math
from functools import partial
from typing import TYPE_CHECKING

from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

from outboxbench.analysis.comparable import settings_text
from outboxbench.analysis.crossings import crossings
from outboxbench.analysis.series import network_panels
from outboxbench.report import style
from outboxbench.report.charts import frame
from outboxbench.report.charts.labels import spread_apart
from outboxbench.report.numbers import three_digits

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from outboxbench.analysis.series import Panel, Series
    from outboxbench.results.model import Arm, Run

TITLE = "Across a network"
SHOWS = "ok/s over the distance to the server, and where the ranking changes"

_HEADING_IN = 0.75
_PANEL_HEIGHT_IN = 4.2
_AXIS_IN = 0.7
_NOTE_IN = 0.2
_WIDTH_IN = 6.6
_LEFT_IN = frame.LEFT_IN + 0.75
_LABEL_GAP_IN = 0.24


def draw(run: Run) -> Figure:
    """Draw a panel for each set of arms that differ in strategy, loop and distance alone.

    Raises NoDataError when no strategy was measured at two distances.
    """
    panels = network_panels(run)
    if not panels:
        raise frame.NoDataError("no strategy was measured at two distances from the server")
    heights_in = [
        _HEADING_IN + _PANEL_HEIGHT_IN + _AXIS_IN + _NOTE_IN * (1 + len(_crossing_lines(panel)))
        for panel in panels
    ]
    with style.applied():
        figure = frame.new_figure(
            frame.Footer.of_run(run),
            title=TITLE,
            subtitle="Committed operations per second over what a proxy adds to every round trip;"
            f" higher is better.\nMedian of the rounds, bars from least to most. {_exactness(run)}",
            key=style.key([series.arms[0] for panel in panels for series in panel.series]),
            panels_in=sum(heights_in),
        )
        top_in = frame.TOP_IN
        for panel, height_in in zip(panels, heights_in, strict=True):
            frame.write_heading(figure, panel.title, settings_text(panel.settings), at_in=top_in)
            axes = frame.place(
                figure,
                left_in=_LEFT_IN,
                top_in=top_in + _HEADING_IN,
                width_in=_WIDTH_IN,
                height_in=_PANEL_HEIGHT_IN,
            )
            _draw_panel(axes, panel)
            below_in = top_in + _HEADING_IN + _PANEL_HEIGHT_IN + _AXIS_IN
            for number, line in enumerate(_crossing_lines(panel)):
                frame.write_note(figure, line, at_in=below_in + number * _NOTE_IN)
            top_in += height_in
    return figure


def describe(run: Run) -> str:
    """The chart in words: the order at each distance, and the changes."""
    return " ".join(
        f"{panel.title}: {'; '.join(_crossing_lines(panel))}." for panel in network_panels(run)
    )


def _draw_panel(axes: Axes, panel: Panel) -> None:
    distances = sorted({_distance_ms(arm) for series in panel.series for arm in series.arms})
    axes.set_xlim(-0.15, len(distances) - 0.85)
    axes.set_xticks(range(len(distances)), [f"{each:g} ms" for each in distances])
    axes.set_xlabel("added to every round trip", fontsize=9)
    axes.set_yscale("log")
    axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
    axes.yaxis.set_minor_locator(NullLocator())
    axes.set_ylabel("committed operations per second (logarithmic)", fontsize=9)
    for series in panel.series:
        _draw_series(axes, series, distances)
    _write_labels(axes, panel, distances[-1])


def _draw_series(axes: Axes, series: Series, distances: list[float]) -> None:
    look = style.look(series.arms[0])
    summaries = [arm.summary for arm in series.arms if arm.summary]
    medians = [summary.ok_per_s_median for summary in summaries]
    axes.errorbar(
        [distances.index(_distance_ms(arm)) for arm in series.arms],
        medians,
        yerr=[
            [summary.ok_per_s_median - summary.ok_per_s_min for summary in summaries],
            [summary.ok_per_s_max - summary.ok_per_s_median for summary in summaries],
        ],
        color=look.colour,
        linestyle=look.line,
        marker=look.marker,
        markersize=6,
        linewidth=1.6,
        elinewidth=1,
        capsize=2,
    )


def _write_labels(axes: Axes, panel: Panel, farthest_ms: float) -> None:
    far = [
        (series, arm.summary.ok_per_s_median)
        for series in panel.series
        for arm in series.arms
        if arm.summary and arm.summary.ok_per_s_median and _distance_ms(arm) == farthest_ms
    ]
    far.sort(key=lambda each: each[1])
    low, high = axes.get_ylim()
    levels = [math.log(rate / low) / math.log(high / low) for _, rate in far]
    places = spread_apart(levels, gap=_LABEL_GAP_IN / _PANEL_HEIGHT_IN, low=0.02, high=0.98)
    loops = {series.loop for series in panel.series}
    for (series, rate), level in zip(far, places, strict=True):
        write = partial(frame.write_beside, axes, level=level, align="left")
        name = series.strategy if len(loops) == 1 else f"{series.strategy}, {series.loop}"
        write(
            frame.shortened(name, 22),
            right_in=0.12,
            colour=style.look(series.arms[0]).colour,
            weight="bold",
        )
        write(f"{three_digits(rate)}/s", right_in=2.0, colour=style.INK)
        write(style.verdict_text(series.verdict), right_in=2.75, colour=style.INK)


def _crossing_lines(panel: Panel) -> list[str]:
    lines = [
        f"Between {each.near_ms:g} and {each.far_ms:g} ms {each.overtaking.strategy}"
        f" ({each.overtaking.loop}) overtakes {each.overtaken.strategy} ({each.overtaken.loop})."
        for each in crossings(panel)
    ]
    return lines or ["No strategy overtakes another, as far as the rounds can tell."]


def _exactness(run: Run) -> str:
    if not run.network:
        return ""
    measured = "; ".join(
        f"{delay.rtt_ms:g} ms added {delay.added_p50_us / 1000:.2f} ms (p99"
        f" {delay.added_p99_us / 1000:.2f})"
        for delay in run.network
    )
    return f"As measured: {measured}."


def _distance_ms(arm: Arm) -> float:
    distance = arm.settings["network_rtt_ms"]
    assert isinstance(distance, int | float)
    return float(distance)
