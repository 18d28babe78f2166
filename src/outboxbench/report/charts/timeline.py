"""Latency over the time of a window, in small panels: what a percentile of the whole hides."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final, Literal, NamedTuple

from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullLocator

from outboxbench.analysis.comparable import comparable_arms
from outboxbench.report import style
from outboxbench.report.charts import frame
from outboxbench.report.numbers import milliseconds
from outboxbench.results.histograms import GOOD_TAGS, merge

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from hdrh.histogram import HdrHistogram
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from outboxbench.results.block import Block
    from outboxbench.results.histograms import Interval
    from outboxbench.results.model import Arm, Run

    IntervalsOf = Callable[[Block], Sequence[Interval]]

TITLE = "Latency over time"
SHOWS = "latency in each interval of a window: open loops, and windows of 10 s or more"

LONG_WINDOW_S: Final = 10.0
MOST_PANELS: Final = 12
FEWEST_FOR_P99: Final = 100
"""Operations in an interval; with fewer its 99th percentile is its longest."""

_COLUMNS = 3
_PANEL_IN = 2.85
_STEP_IN = 3.55
_HEIGHT_IN = 1.5
_ROW_IN = 2.5
_NAME_IN = 0.42
_LEFT_IN = frame.LEFT_IN + 0.5
_LONGEST_NAME = 20
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
    arms = _arms(run)
    if not arms:
        raise frame.NoDataError("no open loop was measured, and no window of 10 s or more")
    shown = _most_loaded(arms)
    moments = [_moments(intervals_of(_typical(arm))) for arm in shown]
    if not any(moments):
        raise frame.NoDataError("no block has a histogram with an operation in it")
    limits_ms = _limits_ms([moment for each in moments for moment in each])
    left_out = f" Left out: the {len(arms) - len(shown)} arms at the lowest load."
    with style.applied():
        figure = frame.new_figure(
            frame.Footer.of_run(run),
            title=TITLE,
            subtitle="One block of each arm, the one with the median p99; an operation counts"
            " where it was due (open loop) or ended (closed loop).\nEach interval by itself; its"
            f" p99 from {FEWEST_FOR_P99} operations on."
            + (left_out if len(shown) < len(arms) else ""),
            key=_key(),
            panels_in=_ROW_IN * math.ceil(len(shown) / _COLUMNS),
        )
        for number, (arm, over_time) in enumerate(zip(shown, moments, strict=True)):
            axes = frame.place(
                figure,
                left_in=_LEFT_IN + number % _COLUMNS * _STEP_IN,
                top_in=frame.TOP_IN + number // _COLUMNS * _ROW_IN + _NAME_IN,
                width_in=_PANEL_IN,
                height_in=_HEIGHT_IN,
            )
            _draw_panel(axes, arm, over_time, limits_ms)
    return figure


def describe(run: Run) -> str:
    """The chart in words: how long the slowest operations of each block took."""
    return " ".join(
        f"{arm.name}: p99 {milliseconds(block.latency_us.p99)} ms, longest"
        f" {milliseconds(block.latency_us.max)} ms, verdict {block.verdict}."
        for arm in _most_loaded(_arms(run))
        for block in (_typical(arm),)
    )


def _arms(run: Run) -> list[Arm]:
    """Those with something to show, in the order of the tables."""
    return [
        arm
        for arms in comparable_arms(run)
        for arm in arms.strategies
        if arm.blocks and (arm.offered_per_s is not None or run.window_s >= LONG_WINDOW_S)
    ]


def _most_loaded(arms: Sequence[Arm]) -> list[Arm]:
    """As many as have room, in the order given."""
    kept = sorted(range(len(arms)), key=lambda number: -_load(arms[number]))[:MOST_PANELS]
    return [arms[number] for number in sorted(kept)]


def _load(arm: Arm) -> float:
    """As a share of what the arm can do; a closed loop asks for all of it."""
    if arm.offered_per_s is None:
        return 1.0
    return arm.offered_per_s / (arm.capacity_ok_per_s or math.inf)


def _typical(arm: Arm) -> Block:
    ranked = sorted(arm.blocks, key=lambda block: block.latency_us.p99 or 0.0)
    return ranked[(len(ranked) - 1) // 2]


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
    axes: Axes, arm: Arm, moments: Sequence[_Moment], limits_ms: tuple[float, float]
) -> None:
    block = _typical(arm)
    axes.set_yscale("log")
    # The same for all panels: they are there to be compared.
    axes.set_ylim(*limits_ms)
    is_wide = limits_ms[1] / limits_ms[0] > _WIDE_RANGE
    axes.yaxis.set_major_locator(LogLocator(subs=(1,) if is_wide else (1, 2, 5)))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.yaxis.set_minor_locator(NullLocator())
    axes.set_xlim(0, block.seconds)
    axes.xaxis.set_major_locator(MaxNLocator(4))
    axes.set_xlabel("seconds of the window", fontsize=8, labelpad=1)
    axes.set_ylabel("latency, ms", fontsize=8, labelpad=4)
    axes.tick_params(labelsize=8)
    colour = style.look(arm).colour
    for number, (_, line, width, alpha) in enumerate(_STROKES):
        times, values = _steps(moments, number)
        axes.plot(times, values, color=colour, linestyle=line, linewidth=width, alpha=alpha)
    load = f", {arm.settings['rate']}" if "rate" in arm.settings else ""
    name = frame.shortened(arm.strategy, _LONGEST_NAME)
    axes.set_title(f"{name} {arm.loop}{load}", fontsize=9, pad=15)
    axes.annotate(
        _losses(arm, block),
        xy=(0, 1),
        xycoords="axes fraction",
        xytext=(0, 4),
        textcoords="offset points",
        fontsize=8,
        color=style.FAINT if block.verdict == "pass" else style.ALARM,
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


def _losses(arm: Arm, block: Block) -> str:
    outcomes = block.outcomes
    lost = outcomes.attempted - outcomes.good - outcomes.skipped
    told = [
        *([f"{arm.offered_per_s:,.0f}/s"] if arm.offered_per_s is not None else []),
        *([f"{outcomes.skipped:,} skipped"] if outcomes.skipped else []),
        *([f"{lost:,} failed"] if lost else []),
    ]
    return ", ".join((*told, style.verdict_text(block.verdict)))


def _key() -> list[Artist]:
    return [
        Line2D([], [], color=style.FAINT, linestyle=line, linewidth=width, alpha=alpha, label=label)
        for label, line, width, alpha in _STROKES
    ]
