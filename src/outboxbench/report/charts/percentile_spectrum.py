"""Latency over the percentile axis: one line an arm, a panel for each event loop."""

from __future__ import annotations

import math
from functools import partial
from typing import TYPE_CHECKING, Final, NamedTuple

from outboxbench.report import style
from outboxbench.report.charts import frame
from outboxbench.report.charts.data_table import DataTable
from outboxbench.report.charts.findings import sentence
from outboxbench.report.charts.labels import spread_apart
from outboxbench.report.charts.loop_rows import RowDrawing, draw_rows, how_operations_come
from outboxbench.report.charts.percentile_axes import (
    limits_of,
    places_of_nines,
    set_axes,
    set_small_axes,
)
from outboxbench.report.charts.percentile_lines import rows_of, tails, too_few
from outboxbench.report.numbers import milliseconds

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from hdrh.histogram import HdrHistogram
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from outboxbench.report.charts.loop_rows import LoopRow
    from outboxbench.report.charts.percentile_axes import Limits
    from outboxbench.report.charts.percentile_lines import Line
    from outboxbench.results.document import Loop
    from outboxbench.results.model import Run

TITLE = "Latency by percentile"
SHOWS = "latency at every percentile that the sample supports, on a 1/(1-p) axis"
NEEDS = "histograms with 20 operations or more of an arm"
READING = (
    "Each step to the right is a further nine: a line that climbs late keeps its promise for more"
    " operations; the last points rest on ten samples."
)

_HEADING_IN: Final = 0.8
_PANEL_HEIGHT_IN: Final = 3.8
_AXIS_IN: Final = 0.7
_PANEL_STEP_IN: Final = 5.35
_P99_IN: Final = 0.72
_VERDICT_IN: Final = 0.64
_MARKER_IN: Final = 0.1
_LABEL_GAP_IN: Final = 0.2


class _Layout(NamedTuple):
    """The room for the labels of a panel, with names no longer than this, and for its lines."""

    labels_in: float
    longest_name: int
    width_in: float


_BESIDE_ANOTHER: Final = _Layout(labels_in=2.2, longest_name=16, width_in=2.5)
_ALONE: Final = _Layout(labels_in=3.0, longest_name=27, width_in=6.8)


def draw(run: Run, histograms: Mapping[str, HdrHistogram]) -> Figure:
    """Draw a row of panels for each comparable set of arms.

    `histograms` are the latencies of each arm's good operations, by the arm's name. Raises
    NoDataError when no strategy has samples enough for a median.
    """
    rows = rows_of(run, histograms)
    if not rows:
        raise frame.NoDataError("no strategy has the 20 samples that a median needs")
    return draw_rows(
        run,
        rows,
        RowDrawing(_height_in, _draw_row, _draw_small),
        title=TITLE,
        subtitle="Committed operations of all rounds together, as far as their number supports"
        f" the percentile; lower is better.\n{how_operations_come(rows)}",
    )


def describe(run: Run, histograms: Mapping[str, HdrHistogram]) -> str:
    """The chart in words: every arm's 99th percentile with its verdict."""
    return " ".join(
        f"{row.arms.spoken_title}: "
        + "; ".join(
            f"{line.name} {line.arm.loop or ''} p99 {milliseconds(line.p99_us)} ms,"
            f" verdict {line.arm.verdict}"
            for line in row.lines
        )
        + "."
        for row in rows_of(run, histograms)
    )


def finding(run: Run, histograms: Mapping[str, HdrHistogram]) -> str:
    """Say which strategies have the lowest and the highest p99 in each table."""
    return sentence([tails(row) for row in rows_of(run, histograms)])


def data(run: Run, histograms: Mapping[str, HdrHistogram]) -> DataTable:
    """The latency of each line at every nine that its sample supports, and at its end."""
    return DataTable(
        columns=(
            *("arms", "settings", "strategy", "loop"),
            *("percentile", "latency, ms", "verdict"),
        ),
        rows=tuple(
            (
                *(row.arms.title, row.arms.settings_text, line.name, line.arm.loop or "ceiling"),
                *(round(100 * (1 - 1 / line.odds[place]), 6), line.values_ms[place]),
                line.arm.verdict,
            )
            for row in rows_of(run, histograms)
            for line in row.lines
            for place in sorted({*places_of_nines(line), len(line.odds) - 1})
        ),
    )


def _height_in(row: LoopRow[Line]) -> float:
    del row
    return _HEADING_IN + _PANEL_HEIGHT_IN + _AXIS_IN


def _draw_row(figure: Figure, row: LoopRow[Line], top_in: float) -> None:
    frame.write_heading(figure, row.arms.title, row.arms.settings_text + too_few(row), at_in=top_in)
    limits = limits_of(row.lines)
    layout = _ALONE if len(row.loops) == 1 else _BESIDE_ANOTHER
    for column, loop in enumerate(row.loops):
        axes = frame.place(
            figure,
            left_in=frame.LEFT_IN + layout.labels_in + column * _PANEL_STEP_IN,
            top_in=top_in + _HEADING_IN,
            width_in=layout.width_in,
            height_in=_PANEL_HEIGHT_IN,
        )
        set_axes(axes, limits)
        # On the right, as the lines are named on the left: there they lie apart and in order.
        axes.yaxis.tick_right()
        axes.yaxis.set_label_position("right")
        axes.tick_params(axis="y", length=0)
        axes.set_ylabel("latency, ms (logarithmic)", fontsize=9)
        for line in row.of(loop):
            _draw_line(axes, line)
        _write_labels(axes, loop, row.of(loop), limits, layout)


def _draw_small(row: LoopRow[Line], loop: Loop, axes: Axes) -> None:
    set_small_axes(axes, limits_of(row.lines))
    for line in row.of(loop):
        _draw_line(axes, line)


def _draw_line(axes: Axes, line: Line) -> None:
    look = style.look(line.arm)
    trusted = line.arm.verdict == "pass"
    axes.plot(
        line.odds,
        line.values_ms,
        color=look.colour if trusted else style.ALARM,
        linestyle=look.line if trusted else ":",
        linewidth=1.8 if trusted else 1.2,
        marker=look.marker,
        markersize=5,
        markeredgecolor="white",
        markeredgewidth=0.5,
        clip_on=False,
        # Where it begins, at the median, its name stands beside it.
        markevery=places_of_nines(line)[1:],
    )


def _write_labels(
    axes: Axes, loop: Loop, lines: Sequence[Line], limits: Limits, layout: _Layout
) -> None:
    """Name the lines where they begin; too close together for a label just beside each."""
    ascending = sorted(lines, key=lambda line: line.values_ms[0])
    scale = math.log(limits.high_ms / limits.low_ms)
    starts = [math.log(line.values_ms[0] / limits.low_ms) / scale for line in ascending]
    places = spread_apart(starts, gap=_LABEL_GAP_IN / _PANEL_HEIGHT_IN, low=0.02, high=0.98)
    for line, place in zip(ascending, places, strict=True):
        _write_label(axes, line, place, layout)
    write = partial(frame.write_beside, axes, level=1 + _LABEL_GAP_IN / _PANEL_HEIGHT_IN)
    write(loop, left_in=layout.labels_in, align="left", colour=style.INK, weight="bold")
    write("p99, ms", left_in=_P99_IN, align="right", colour=style.FAINT)
    write("verdict", left_in=_VERDICT_IN, align="left", colour=style.FAINT)


def _write_label(axes: Axes, line: Line, place: float, layout: _Layout) -> None:
    look = style.look(line.arm)
    trusted = line.arm.verdict == "pass"
    colour = look.colour if trusted else style.ALARM
    marker_at = -_MARKER_IN / layout.width_in
    axes.annotate(
        "",
        xy=(line.odds[0], line.values_ms[0]),
        xytext=(marker_at, place),
        textcoords="axes fraction",
        arrowprops={
            "arrowstyle": "-",
            "color": colour,
            "linewidth": 1,
            "shrinkA": 0,
            "shrinkB": 0,
        },
    )
    axes.plot(
        [marker_at],
        [place],
        transform=axes.transAxes,
        clip_on=False,
        color=colour,
        marker=look.marker,
        markersize=6,
    )
    write = partial(
        frame.write_beside, axes, level=place, colour=style.INK if trusted else style.ALARM
    )
    write(frame.shortened(line.name, layout.longest_name), left_in=layout.labels_in, align="left")
    write(milliseconds(line.p99_us), left_in=_P99_IN, align="right")
    write(style.verdict_text(line.arm.verdict), left_in=_VERDICT_IN, align="left")
