"""Throughput across a network: a line for each strategy, and where they cross."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from matplotlib.lines import Line2D

from outboxbench.analysis.comparable import settings_text
from outboxbench.analysis.crossings import crossings
from outboxbench.analysis.series import distance_ms, network_panels
from outboxbench.report import style
from outboxbench.report.charts import frame
from outboxbench.report.charts.data_table import DataTable
from outboxbench.report.charts.findings import sentence
from outboxbench.report.charts.labels import spread_apart
from outboxbench.report.charts.line_names import Columns, write_heads, write_line_name
from outboxbench.report.charts.log_ticks import tick_log_axis
from outboxbench.report.charts.network_crossings import place_of
from outboxbench.report.charts.network_words import crossing_lines, notes, series_name
from outboxbench.report.numbers import three_digits

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from outboxbench.analysis.series import Panel, Series
    from outboxbench.report.charts.network_crossings import Place
    from outboxbench.results.model import Run

TITLE = "Across a network"
SHOWS = "ok/s over the distance to the server, and where the ranking changes"
NEEDS = "a strategy at two distances from the server, in closed loops"
READING = (
    "The flatter a line, the fewer round trips the strategy takes; lines change places at the"
    " rings, and where their bars overlap the order may be chance."
)

_HEADING_IN = 0.7
_PANEL_HEIGHT_IN = 4.2
_AXIS_IN = 0.7
_NOTE_IN = 0.2
_WIDTH_IN = 6.1
_LEFT_IN = frame.LEFT_IN + 0.8
_COLUMNS = Columns(0.18, 0.3, 22, figure_in=2.75, verdict_in=2.9)
_LABEL_GAP_IN = 0.23
_WIDE_RANGE = 10
_ASYNCIO_ALPHA = 0.5


def draw(run: Run) -> Figure:
    """Draw a panel for each set of arms that differ in strategy, loop and distance alone.

    Raises NoDataError when no strategy was measured at two distances.
    """
    panels = network_panels(run)
    if not panels:
        raise frame.NoDataError("no strategy was measured at two distances from the server")
    heights_in = [
        _HEADING_IN + _PANEL_HEIGHT_IN + _AXIS_IN + _NOTE_IN * (1 + len(notes(run, panel)))
        for panel in panels
    ]
    with style.applied():
        figure = frame.new_figure(
            frame.Footer.of_run(run),
            title=TITLE,
            subtitle="Committed operations per second over what a proxy adds to every round trip;"
            " higher is better.\nMedian of the rounds, bars from the least round to the most.",
            key=_key(panels),
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
            for number, line in enumerate(notes(run, panel)):
                frame.write_note(figure, line, at_in=below_in + number * _NOTE_IN)
            top_in += height_in
    return figure


def describe(run: Run) -> str:
    """The chart in words: the changes of order, and every figure with its verdict."""
    return " ".join(
        f"{panel.title}: {' '.join(crossing_lines(panel))} "
        + "; ".join(
            f"{series.strategy} {series.loop} "
            + ", ".join(
                f"{three_digits(arm.summary.ok_per_s_median)} ok/s at {distance_ms(arm):g} ms"
                for arm in series.arms
                if arm.summary
            )
            + f", verdict {series.verdict}"
            for series in panel.series
        )
        + "."
        for panel in network_panels(run)
    )


def finding(run: Run) -> str:
    """Say who overtakes whom on the way from the server, as far as the rounds bear it out."""
    return sentence(
        [
            f"{panel.title}: {', '.join(line.rstrip('.') for line in crossing_lines(panel))}"
            for panel in network_panels(run)
        ]
    )


def data(run: Run) -> DataTable:
    """Every point of every line."""
    return DataTable(
        columns=(
            *("arms", "settings", "strategy", "loop", "added to a round trip, ms"),
            *("ok/s, median", "ok/s, least", "ok/s, most", "rounds", "verdict"),
        ),
        rows=tuple(
            (
                *(panel.title, settings_text(panel.settings), series.strategy, series.loop),
                *(distance_ms(arm), summary.ok_per_s_median, summary.ok_per_s_min),
                *(summary.ok_per_s_max, summary.rounds, arm.verdict),
            )
            for panel in network_panels(run)
            for series in panel.series
            for arm in series.arms
            if (summary := arm.summary)
        ),
    )


def _draw_panel(axes: Axes, panel: Panel) -> None:
    distances = sorted({distance_ms(arm) for series in panel.series for arm in series.arms})
    axes.set_xlim(-0.15, len(distances) - 0.85)
    axes.set_xticks(range(len(distances)), [f"{each:g} ms" for each in distances])
    axes.set_xlabel("added to every round trip", fontsize=9)
    axes.set_yscale("log")
    for series in panel.series:
        _draw_series(axes, series, distances)
    low, high = axes.get_ylim()
    tick_log_axis(axes.yaxis, is_wide=high / low > _WIDE_RANGE, spec=",.0f")
    axes.set_ylabel("committed operations per second (logarithmic)", fontsize=9)
    for crossing in crossings(panel):
        if place := place_of(crossing, distances):
            _ring(axes, place)
    _write_labels(axes, panel, distances[-1])


def _draw_series(axes: Axes, series: Series, distances: Sequence[float]) -> None:
    look = style.look(series.arms[0])
    is_asyncio = series.loop == "asyncio"
    summaries = [arm.summary for arm in series.arms if arm.summary]
    medians = [summary.ok_per_s_median for summary in summaries]
    axes.errorbar(
        [distances.index(distance_ms(arm)) for arm in series.arms],
        medians,
        yerr=[
            [summary.ok_per_s_median - summary.ok_per_s_min for summary in summaries],
            [summary.ok_per_s_max - summary.ok_per_s_median for summary in summaries],
        ],
        color=look.colour,
        alpha=_ASYNCIO_ALPHA if is_asyncio else 1,
        markerfacecolor="white" if is_asyncio else look.colour,
        linestyle=look.line,
        marker=look.marker,
        markersize=6,
        linewidth=1.6,
        elinewidth=1,
        capsize=3,
    )


def _ring(axes: Axes, place: Place) -> None:
    axes.plot(
        place.distance,
        place.ok_per_s,
        marker="o",
        markersize=12,
        markerfacecolor="none",
        markeredgecolor=style.INK,
        markeredgewidth=1.1,
    )


def _write_labels(axes: Axes, panel: Panel, farthest_ms: float) -> None:
    """Name the lines where they end."""
    far = [
        (series, arm.summary.ok_per_s_median)
        for series in panel.series
        for arm in series.arms
        if arm.summary and arm.summary.ok_per_s_median and distance_ms(arm) == farthest_ms
    ]
    far.sort(key=lambda each: each[1])
    low, high = axes.get_ylim()
    levels = [math.log(rate / low) / math.log(high / low) for _, rate in far]
    places = spread_apart(levels, gap=_LABEL_GAP_IN / _PANEL_HEIGHT_IN, low=0.02, high=0.93)
    for (series, rate), level in zip(far, places, strict=True):
        write_line_name(
            axes,
            _COLUMNS,
            style.look(series.arms[0]),
            level=level,
            name=series_name(panel, series),
            figure=three_digits(rate),
            verdict=series.verdict,
        )
    write_heads(axes, _COLUMNS, level=1, figure=f"ok/s at {farthest_ms:g} ms")


def _key(panels: Sequence[Panel]) -> list[Line2D]:
    crossing = Line2D(
        [],
        [],
        linestyle="none",
        marker="o",
        markersize=11,
        color=style.INK,
        markerfacecolor="none",
        label="one overtakes another",
    )
    arms = [series.arms[0] for panel in panels for series in panel.series]
    return [*style.key(arms), crossing]
