"""Latency over the time of a window, in small panels: what a percentile of the whole hides."""

from __future__ import annotations

import math
from statistics import median
from typing import TYPE_CHECKING, Final, Literal, NamedTuple

from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullLocator

from outboxbench.report import style
from outboxbench.report.charts import frame
from outboxbench.report.charts.data_table import DataTable
from outboxbench.report.charts.windows import NEEDS as NEEDS
from outboxbench.report.charts.windows import windows
from outboxbench.report.numbers import milliseconds, three_digits
from outboxbench.results.histograms import GOOD_TAGS, merge

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from hdrh.histogram import HdrHistogram
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from outboxbench.report.charts.windows import IntervalsOf, Window
    from outboxbench.results.histograms import Interval
    from outboxbench.results.model import Run

TITLE = "Latency over time"
SHOWS = "latency in each interval of a window: open loops, and windows of 10 s or more"
READING = (
    "A level line is a steady service; where the 99th percentile jumps and the median does not,"
    " some operations waited for something that most did not meet."
)

FEWEST_FOR_P99: Final = 100
"""Operations in an interval; with fewer its 99th percentile is its longest."""

FEWEST_INTERVALS: Final = 3
"""To call one of them unlike the others."""

_COLUMNS = 3
_PANEL_IN = 2.85
_STEP_IN = 3.55
_HEIGHT_IN = 1.5
_ROW_IN = 2.5
_NAME_IN = 0.42
_LEFT_IN = frame.LEFT_IN + 0.5
_WIDE_RANGE = 100
_NEAR_S = 1e-3
_US_PER_MS = 1000

_STROKES: tuple[tuple[str, Literal["-", ":"], float, float], ...] = (
    ("longest", ":", 1.1, 1.0),
    ("99th percentile", "-", 1.7, 1.0),
    ("median", "-", 1.1, 0.45),
)


class _Moment(NamedTuple):
    start_s: float
    end_s: float
    values_ms: tuple[float, float, float]
    """In the order of the strokes."""


def draw(run: Run, intervals_of: IntervalsOf) -> Figure:
    """Draw one block of each arm: the one whose p99 is the median of the arm's blocks.

    Raises NoDataError when the run has no open loop and no window that is long enough.
    """
    chosen = windows(run)
    told = _told(chosen.shown, intervals_of)
    if not any(moments for _, moments in told):
        raise frame.NoDataError("no block has a histogram with an operation in it")
    limits_ms = _limits_ms([moment for _, moments in told for moment in moments])
    with style.applied():
        figure = frame.new_figure(
            frame.Footer.of_run(run),
            title=TITLE,
            subtitle="One block of each arm, the one with the median p99; an operation counts"
            " where it was due (open loop) or ended (closed loop).\nEach interval by itself; its"
            f" p99 from {FEWEST_FOR_P99} operations on.{chosen.left_out_text}",
            key=_key(),
            panels_in=_ROW_IN * math.ceil(len(told) / _COLUMNS),
        )
        for number, (window, moments) in enumerate(told):
            axes = frame.place(
                figure,
                left_in=_LEFT_IN + number % _COLUMNS * _STEP_IN,
                top_in=frame.TOP_IN + number // _COLUMNS * _ROW_IN + _NAME_IN,
                width_in=_PANEL_IN,
                height_in=_HEIGHT_IN,
            )
            _draw_panel(axes, window, moments, limits_ms)
    return figure


def describe(run: Run, intervals_of: IntervalsOf) -> str:
    """The chart in words: how long the slowest operations of each block took."""
    del intervals_of
    return " ".join(
        f"{arm.name}: p99 {milliseconds(block.latency_us.p99)} ms, longest"
        f" {milliseconds(block.latency_us.max)} ms, verdict {block.verdict}."
        for arm, block in windows(run).shown
    )


def finding(run: Run, intervals_of: IntervalsOf) -> str:
    """Say how far the worst interval is from the median one of its block."""
    worst: tuple[float, Window, _Moment] | None = None
    for window, moments in _told(windows(run).shown, intervals_of):
        tails = [(each.values_ms[1], each) for each in moments if not math.isnan(each.values_ms[1])]
        if len(tails) < FEWEST_INTERVALS:
            continue
        ratio, moment = max(tails, key=lambda tail: tail[0])
        ratio /= median(tail for tail, _ in tails)
        if worst is None or ratio > worst[0]:
            worst = ratio, window, moment
    if worst is None:
        return "No block has three intervals with operations enough for a p99 of each."
    ratio, window, moment = worst
    return (
        f"Least steady is {window.arm.name}: from {moment.start_s:.2g} to {moment.end_s:.2g} s its"
        f" p99 was {three_digits(moment.values_ms[1])} ms, {ratio:.1f} times that of its median"
        " interval, in one block and so without a confidence interval."
    )


def data(run: Run, intervals_of: IntervalsOf) -> DataTable:
    """Every interval of every block that is shown."""
    return DataTable(
        columns=(
            *("arm", "round", "from, s", "to, s"),
            *("longest, ms", "latency p99, ms", "latency p50, ms", "verdict"),
        ),
        rows=tuple(
            (
                *(window.arm.name, window.block.round, moment.start_s, moment.end_s),
                *(None if math.isnan(value) else value for value in moment.values_ms),
                window.block.verdict,
            )
            for window, moments in _told(windows(run).shown, intervals_of)
            for moment in moments
        ),
    )


def _told(shown: Sequence[Window], intervals_of: IntervalsOf) -> list[tuple[Window, list[_Moment]]]:
    return [(window, _moments(intervals_of(window.block))) for window in shown]


def _moments(intervals: Sequence[Interval]) -> list[_Moment]:
    """What each interval holds, from the opening of the window on."""
    opened_s = min((each.start_s for each in intervals), default=0.0)
    lengths: dict[float, float] = {}
    held: dict[float, list[HdrHistogram]] = {}
    for each in intervals:
        if each.tag in GOOD_TAGS and each.histogram.get_total_count():
            held.setdefault(each.start_s, []).append(each.histogram)
            lengths[each.start_s] = each.length_s
    return [
        _Moment(start_s - opened_s, start_s - opened_s + lengths[start_s], _values_ms(histograms))
        for start_s, histograms in sorted(held.items())
    ]


def _values_ms(histograms: Iterable[HdrHistogram]) -> tuple[float, float, float]:
    merged = merge(histograms)
    values_us = merged.get_percentile_to_value_dict([50.0, 99.0, 100.0])
    p50, p99, longest = (max(values_us[p], 1) / _US_PER_MS for p in (50.0, 99.0, 100.0))
    return longest, p99 if merged.get_total_count() >= FEWEST_FOR_P99 else math.nan, p50


def _limits_ms(moments: Iterable[_Moment]) -> tuple[float, float]:
    values = [value for each in moments for value in each.values_ms if not math.isnan(value)]
    return min(values) / 1.3, max(values) * 1.3


def _draw_panel(
    axes: Axes, window: Window, moments: Sequence[_Moment], limits_ms: tuple[float, float]
) -> None:
    axes.set_yscale("log")
    # The same for all panels: they are there to be compared.
    axes.set_ylim(*limits_ms)
    is_wide = limits_ms[1] / limits_ms[0] > _WIDE_RANGE
    axes.yaxis.set_major_locator(LogLocator(subs=(1,) if is_wide else (1, 2, 5)))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.yaxis.set_minor_locator(NullLocator())
    axes.set_xlim(0, window.block.seconds)
    axes.xaxis.set_major_locator(MaxNLocator(4))
    axes.set_xlabel("seconds of the window", fontsize=8, labelpad=1)
    axes.set_ylabel("latency, ms", fontsize=8, labelpad=4)
    axes.tick_params(labelsize=8)
    colour = style.look(window.arm).colour
    for number, (_, line, width, alpha) in enumerate(_STROKES):
        times, values = _steps(moments, number)
        axes.plot(times, values, color=colour, linestyle=line, linewidth=width, alpha=alpha)
    axes.set_title(window.title, fontsize=9, pad=15)
    axes.annotate(
        window.losses_text,
        xy=(0, 1),
        xycoords="axes fraction",
        xytext=(0, 4),
        textcoords="offset points",
        fontsize=8,
        color=window.colour,
    )


def _steps(moments: Sequence[_Moment], stroke: int) -> tuple[list[float], list[float]]:
    """A value from the start of its interval to its end, and nothing where none is known."""
    times: list[float] = []
    values: list[float] = []
    for each in moments:
        if times and each.start_s > times[-1] + _NEAR_S:
            times.append(times[-1])
            values.append(math.nan)
        times += [each.start_s, each.end_s]
        values += [each.values_ms[stroke]] * 2
    return times, values


def _key() -> list[Artist]:
    return [
        Line2D([], [], color=style.FAINT, linestyle=line, linewidth=width, alpha=alpha, label=label)
        for label, line, width, alpha in _STROKES
    ]
