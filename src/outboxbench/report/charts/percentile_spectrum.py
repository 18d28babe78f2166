"""Latency over the percentile axis: one line an arm, a panel for each event loop."""

from __future__ import annotations

import math
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from matplotlib.ticker import FixedLocator, FuncFormatter, LogLocator, NullLocator

from outboxbench.analysis.comparable import comparable_arms
from outboxbench.report import style
from outboxbench.report.charts import frame, grid
from outboxbench.report.charts.data_table import DataTable
from outboxbench.report.charts.findings import sentence
from outboxbench.report.charts.labels import spread_apart
from outboxbench.report.charts.percentile_lines import lines_of, tails, too_few
from outboxbench.report.numbers import milliseconds

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from hdrh.histogram import HdrHistogram
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from outboxbench.analysis.comparable import ComparableArms
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

_LOOPS: tuple[Loop, ...] = ("asyncio", "uvloop")
_HEADING_IN = 0.8
_PANEL_HEIGHT_IN = 3.8
_AXIS_IN = 0.7
_PANEL_STEP_IN = 5.35
_P99_IN = 0.72
_VERDICT_IN = 0.64
_MARKER_IN = 0.1
_LABEL_GAP_IN = 0.2

# The percentile axis is one in how many is slower, 1 / (1 - quantile), so that every further nine
# takes the same room.
_TICKS = {2: "50%", 10: "90%", 100: "99%", 1_000: "99.9%", 10_000: "99.99%", 100_000: "99.999%"}
_MEDIAN = min(_TICKS)
_WIDE_RANGE = 20
_US_PER_MS = 1000


class _Layout(NamedTuple):
    """The room for the labels of a panel, with names no longer than this, and for its lines."""

    labels_in: float
    longest_name: int
    width_in: float


_BESIDE_ANOTHER = _Layout(labels_in=2.2, longest_name=16, width_in=2.5)
_ALONE = _Layout(labels_in=3.0, longest_name=27, width_in=6.8)


class _Limits(NamedTuple):
    highest_odds: float
    low_ms: float
    high_ms: float


def draw(run: Run, histograms: Mapping[str, HdrHistogram]) -> Figure:
    """Draw a row of panels for each comparable set of arms.

    `histograms` are the latencies of each arm's good operations, by the arm's name. Raises
    NoDataError when no strategy has samples enough for a median.
    """
    rows = _rows(run, histograms)
    if not rows:
        raise frame.NoDataError("no strategy has the 20 samples that a median needs")
    full_in = (_HEADING_IN + _PANEL_HEIGHT_IN + _AXIS_IN) * len(rows)
    small = [each for arms, lines in rows for each in _small(arms, lines)]
    is_grid = full_in > grid.TALLEST_IN
    shown = [line.arm for _, lines in rows for line in lines]
    key_in = grid.key_height_in({arm.strategy for arm in shown}) if is_grid else 0.0
    with style.applied():
        figure = frame.new_figure(
            frame.Footer.of_run(run),
            title=TITLE,
            subtitle="Committed operations of all rounds together, as far as their number supports"
            " the percentile; lower is better.\nClosed loop: a client waits for its answer before"
            " it sends again, so queueing is hidden. Compare arms, do not promise these latencies.",
            key=() if is_grid else style.key(shown),
            panels_in=key_in + grid.height_in(small) if is_grid else full_in,
        )
        if is_grid:
            grid.write_key(figure, shown, top_in=frame.TOP_IN - 0.35)
            grid.draw_grid(figure, small, top_in=frame.TOP_IN + key_in)
        else:
            _draw_panels(figure, rows)
    return figure


def _draw_panels(figure: Figure, rows: Sequence[tuple[ComparableArms, Sequence[Line]]]) -> None:
    top_in = frame.TOP_IN
    for arms, lines in rows:
        frame.write_heading(
            figure, arms.title, arms.settings_text + too_few(arms, lines), at_in=top_in
        )
        limits = _limits(lines)
        loops = _loops(lines)
        layout = _ALONE if len(loops) == 1 else _BESIDE_ANOTHER
        for column, loop in enumerate(loops):
            axes = frame.place(
                figure,
                left_in=frame.LEFT_IN + layout.labels_in + column * _PANEL_STEP_IN,
                top_in=top_in + _HEADING_IN,
                width_in=layout.width_in,
                height_in=_PANEL_HEIGHT_IN,
            )
            shown = [line for line in lines if line.arm.loop in {loop, None}]
            _draw_axes(axes, limits)
            # On the right, as the lines are named on the left: there they lie apart and in order.
            axes.yaxis.tick_right()
            axes.yaxis.set_label_position("right")
            axes.tick_params(axis="y", length=0)
            axes.set_ylabel("latency, ms (logarithmic)", fontsize=9)
            for line in shown:
                _draw_line(axes, line)
            _write_labels(axes, loop, shown, limits, layout)
        top_in += _HEADING_IN + _PANEL_HEIGHT_IN + _AXIS_IN


def _loops(lines: Sequence[Line]) -> list[Loop]:
    return [loop for loop in _LOOPS if any(line.arm.loop == loop for line in lines)]


def _small(arms: ComparableArms, lines: Sequence[Line]) -> Iterator[grid.Small]:
    for loop in _loops(lines):
        shown = [line for line in lines if line.arm.loop in {loop, None}]
        yield grid.Small(
            heading=f"{arms.workload}, {arms.profile} profile, {loop}",
            arms=arms,
            rows={},
            doubtful=frozenset(),
            draw=partial(_draw_small, shown, _limits(lines)),
        )


def _draw_small(lines: Sequence[Line], limits: _Limits, axes: Axes, names: Sequence[str]) -> None:
    del names
    _draw_axes(axes, limits)
    axes.yaxis.set_major_locator(LogLocator(subs=(1, 3)))
    axes.xaxis.set_major_locator(
        FixedLocator([odds for odds in _TICKS if odds <= limits.highest_odds and odds != 2][::2])
    )
    axes.set_xlabel("percentile; latency in ms", fontsize=8)
    for line in lines:
        _draw_line(axes, line)


def describe(run: Run, histograms: Mapping[str, HdrHistogram]) -> str:
    """The chart in words: every arm's 99th percentile with its verdict."""
    return " ".join(
        f"{arms.title}: "
        + "; ".join(
            f"{line.name} {line.arm.loop or ''} p99 {milliseconds(line.p99_us)} ms,"
            f" verdict {line.arm.verdict}"
            for line in lines
        )
        + "."
        for arms, lines in _rows(run, histograms)
    )


def finding(run: Run, histograms: Mapping[str, HdrHistogram]) -> str:
    """Say which strategies have the lowest and the highest p99 in each table."""
    return sentence([tails(arms, lines) for arms, lines in _rows(run, histograms)])


def data(run: Run, histograms: Mapping[str, HdrHistogram]) -> DataTable:
    """The latency of each line at every nine that its sample supports, and at its end."""
    return DataTable(
        columns=(
            *("arms", "settings", "strategy", "loop"),
            *("percentile", "latency, ms", "verdict"),
        ),
        rows=tuple(
            (
                *(arms.title, arms.settings_text, line.name, line.arm.loop or "ceiling"),
                *(round(100 * (1 - 1 / line.odds[place]), 6), line.values_ms[place]),
                line.arm.verdict,
            )
            for arms, lines in _rows(run, histograms)
            for line in lines
            for place in sorted(
                {*(_nearest(line.odds, odds) for odds in _nines(line)), -1 % len(line.odds)}
            )
        ),
    )


def _rows(
    run: Run, histograms: Mapping[str, HdrHistogram]
) -> list[tuple[ComparableArms, list[Line]]]:
    return [(arms, lines) for arms in comparable_arms(run) if (lines := lines_of(arms, histograms))]


def _limits(lines: Sequence[Line]) -> _Limits:
    """The same axes for all panels of a row; a latency of 0 has no place on a logarithmic one."""
    values_ms = [value_ms for line in lines for value_ms in line.values_ms]
    return _Limits(
        highest_odds=max(line.odds[-1] for line in lines),
        low_ms=max(min(values_ms), 1 / _US_PER_MS) / 1.15,
        high_ms=max(values_ms) * 1.15,
    )


def _draw_axes(axes: Axes, limits: _Limits) -> None:
    axes.set_xscale("log")
    axes.set_xlim(_MEDIAN, limits.highest_odds)
    axes.xaxis.set_major_locator(
        FixedLocator([odds for odds in _TICKS if odds <= limits.highest_odds])
    )
    axes.xaxis.set_major_formatter(FuncFormatter(lambda odds, _: _TICKS[round(odds)]))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set_xlabel("percentile of operations", fontsize=9)
    axes.set_yscale("log")
    axes.set_ylim(limits.low_ms, limits.high_ms)
    wide = limits.high_ms / limits.low_ms > _WIDE_RANGE
    axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5) if wide else (1, 1.5, 2, 3, 5, 7)))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.yaxis.set_minor_locator(NullLocator())


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
        markevery=[_nearest(line.odds, odds) for odds in _nines(line) if odds > _MEDIAN],
    )


def _nines(line: Line) -> list[int]:
    return [odds for odds in _TICKS if odds <= line.odds[-1]]


def _nearest(values: Sequence[float], wanted: float) -> int:
    return min(range(len(values)), key=lambda index: abs(values[index] - wanted))


def _write_labels(
    axes: Axes, loop: Loop, lines: Sequence[Line], limits: _Limits, layout: _Layout
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
