"""Latency over the time of a window, in small panels: what a percentile of the whole hides."""

from __future__ import annotations

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

_COLUMNS = 3
_PANEL_IN = 2.75
_STEP_IN = 3.5
_HEIGHT_IN = 1.55
_ROW_IN = 2.55
_NAME_IN = 0.42
_LEFT_IN = frame.LEFT_IN + 0.55
_WIDE_RANGE = 200
_US_PER_MS = 1000


class _Moment(NamedTuple):
    start_s: float
    p50_ms: float
    p99_ms: float
    max_ms: float


def draw(run: Run, intervals_of: IntervalsOf) -> Figure:
    """Draw one block of each arm: the one whose p99 is the median of the arm's blocks.

    Raises NoDataError when the run has no open loop and no window that is long enough.
    """
    arms = _arms(run)
    if not arms:
        raise frame.NoDataError("no open loop was measured, and no window of 10 s or more")
    shown = arms[:MOST_PANELS]
    rows = -(-len(shown) // _COLUMNS)
    hidden = len(arms) - len(shown)
    left_out = f" {hidden} more arms are in histograms/." if hidden else ""
    moments = {arm.name: _moments(intervals_of(_typical(arm))) for arm in shown}
    everything = [moment for each in moments.values() for moment in each]
    limits_ms = (
        min((moment.p50_ms for moment in everything), default=1.0) / 1.3,
        max((moment.max_ms for moment in everything), default=1.0) * 1.3,
    )
    with style.applied():
        figure = frame.new_figure(
            frame.Footer.of_run(run),
            title=TITLE,
            subtitle="One block of each arm, the one with the median p99; operations by when they"
            " were due (open loop) or ended (closed loop).\nAn interval shows the median, the 99th"
            f" percentile of what it holds, and the longest.{left_out}",
            key=_key(),
            panels_in=_ROW_IN * rows,
        )
        for number, arm in enumerate(shown):
            axes = frame.place(
                figure,
                left_in=_LEFT_IN + number % _COLUMNS * _STEP_IN,
                top_in=frame.TOP_IN + number // _COLUMNS * _ROW_IN + _NAME_IN,
                width_in=_PANEL_IN,
                height_in=_HEIGHT_IN,
            )
            _draw_panel(axes, arm, _typical(arm), moments[arm.name], limits_ms)
    return figure


def describe(run: Run) -> str:
    """The chart in words: how long the longest operation of each block took."""
    return " ".join(
        f"{arm.name}: p99 {milliseconds(block.latency_us.p99)} ms, longest"
        f" {milliseconds(block.latency_us.max)} ms."
        for arm in _arms(run)[:MOST_PANELS]
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


def _typical(arm: Arm) -> Block:
    ranked = sorted(arm.blocks, key=lambda block: block.latency_us.p99 or 0.0)
    return ranked[len(ranked) // 2]


def _draw_panel(
    axes: Axes,
    arm: Arm,
    block: Block,
    moments: Sequence[_Moment],
    limits_ms: tuple[float, float],
) -> None:
    look = style.look(arm)
    times = [moment.start_s for moment in moments]
    axes.set_yscale("log")
    # The same for all panels: they are there to be compared.
    axes.set_ylim(*limits_ms)
    is_wide = limits_ms[1] / limits_ms[0] > _WIDE_RANGE
    axes.yaxis.set_major_locator(LogLocator(subs=(1,) if is_wide else (1, 2, 5)))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.yaxis.set_minor_locator(NullLocator())
    axes.set_xlim(0, block.seconds)
    axes.xaxis.set_major_locator(MaxNLocator(5))
    axes.set_xlabel("s", fontsize=8, labelpad=1)
    axes.set_ylabel("ms", fontsize=8)
    axes.tick_params(labelsize=8)
    for values, line, width in (
        ([moment.max_ms for moment in moments], ":", 1.0),
        ([moment.p99_ms for moment in moments], "-", 1.6),
        ([moment.p50_ms for moment in moments], "--", 1.2),
    ):
        axes.plot(times, values, color=look.colour, linestyle=line, linewidth=width)
    rate = "" if arm.offered_per_s is None else f", {arm.offered_per_s:,.0f}/s"
    axes.set_title(f"{frame.shortened(arm.strategy, 22)}, {arm.loop}{rate}", fontsize=9, pad=14)
    lost = block.outcomes.attempted - block.outcomes.good
    axes.annotate(
        f"{style.verdict_text(block.verdict)}; {lost} of {block.outcomes.attempted:,} not ok",
        xy=(0, 1),
        xycoords="axes fraction",
        xytext=(0, 3),
        textcoords="offset points",
        fontsize=8,
        color=style.FAINT if block.verdict == "pass" else style.ALARM,
    )


def _moments(intervals: Sequence[Interval]) -> list[_Moment]:
    by_start: dict[float, list[HdrHistogram]] = {}
    for interval in intervals:
        if interval.tag in GOOD_TAGS:
            by_start.setdefault(interval.start_s, []).append(interval.histogram)
    opened_s = min(by_start, default=0.0)
    return [_moment(start_s - opened_s, by_start[start_s]) for start_s in sorted(by_start)]


def _moment(start_s: float, histograms: Iterable[HdrHistogram]) -> _Moment:
    merged = merge(histograms)
    # A picture of what happened, not an estimate: every interval shows what it holds.
    values_us = merged.get_percentile_to_value_dict([50.0, 99.0, 100.0])
    return _Moment(start_s, *(max(values_us[p], 1) / _US_PER_MS for p in (50.0, 99.0, 100.0)))


def _key() -> list[Artist]:
    def stroke(line: Literal[":", "-", "--"], width: float, label: str) -> Line2D:
        return Line2D([], [], color=style.FAINT, linestyle=line, linewidth=width, label=label)

    return [
        stroke(":", 1.0, "longest"),
        stroke("-", 1.6, "99th percentile"),
        stroke("--", 1.2, "median"),
    ]
