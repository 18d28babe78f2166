"""Ratios over many runs: a dot a run, a line a level, and a mark where one level became another."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, MaxNLocator

from outboxbench.analysis.comparison import METRICS
from outboxbench.report import style
from outboxbench.report.charts import frame
from outboxbench.report.charts.data_table import DataTable
from outboxbench.report.numbers import METRIC_NAMES
from outboxbench.report.trend_table import between, size_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from outboxbench.analysis.trend import Change, Trend
    from outboxbench.results.comparison import Metric

TITLE = "Trend"
SHOWS = "each arm's ratio to the reference of its run, over many runs"
NEEDS = "runs enough of an arm and of its reference"
READING = (
    "A level line is an arm that kept its distance from the reference; a mark names the commits"
    " between which it did not."
)

_COLUMNS: Final = 2
_PANEL_IN: Final = 4.5
_STEP_IN: Final = 5.3
_LEFT_IN: Final = frame.LEFT_IN + 0.45
_HEIGHT_IN: Final = 1.05
_ROW_IN: Final = 1.75
_NAME_IN: Final = 0.3
_LONGEST_NAME: Final = 40
_HEADROOM: Final = 0.45
"""Of the height of the data, above it, for what is written at the marks."""


def draw(trends: Sequence[Trend]) -> Figure:
    """Draw a row of panels for each arm of one group, one for each metric that is shown.

    Raises NoDataError when there is no series.
    """
    if not trends:
        raise frame.NoDataError("there is no series of runs")
    track = trends[0].series.track
    metrics = _shown(trends)
    arms = list(dict.fromkeys(trend.series.track.arm for trend in trends))
    loop = f", {track.loop}" if track.loop else ""
    with style.applied():
        figure = frame.new_figure(
            _footer(trends),
            title=f"{TITLE}: {track.title}{loop}",
            subtitle=f"An arm's figure divided by that of {track.reference} in the same run, over"
            " the runs in the order of time.\nChange points by Apache Otava; differences of less"
            " than 5% count as none.",
            key=_key(),
            panels_in=_ROW_IN * len(arms),
        )
        for trend in trends:
            shown = trend.series.track
            if shown.metric not in metrics:
                continue
            axes = frame.place(
                figure,
                left_in=_LEFT_IN + metrics.index(shown.metric) * _STEP_IN,
                top_in=frame.TOP_IN + arms.index(shown.arm) * _ROW_IN + _NAME_IN,
                width_in=_PANEL_IN,
                height_in=_HEIGHT_IN,
            )
            _draw_panel(axes, trend)
    return figure


def describe(trends: Sequence[Trend]) -> str:
    """The chart in words: the newest level of each series, and its changes."""
    return " ".join(
        f"{_name(trend)}: {trend.levels[-1][2]:.3g} times {trend.series.track.reference}"
        f" over {len(trend.series.runs)} runs, {_changes_text(trend)}."
        for trend in trends
    )


def finding(trends: Sequence[Trend]) -> str:
    """Name the newest change, and say how many there are."""
    changes = [(change, trend) for trend in trends for change in trend.changes]
    if not changes:
        return f"None of {len(trends)} series has changed."
    newest, trend = max(changes, key=lambda each: each[0].after.run.started_at)
    return (
        f"{len(changes)} change{'' if len(changes) == 1 else 's'} in {len(trends)} series; the"
        f" newest is that of {_name(trend)}: {_change_text(newest)}."
    )


def data(trends: Sequence[Trend]) -> DataTable:
    """Every ratio of every run, and the level that it belongs to."""
    return DataTable(
        columns=("arm", "metric", "run", "started", "commit", "ratio", "level"),
        rows=tuple(
            (
                *(trend.series.track.arm, METRIC_NAMES[trend.series.track.metric], run.name),
                *(f"{run.run.started_at:%Y-%m-%d %H:%M}", run.revision),
                *(trend.series.ratios[number], level),
            )
            for trend in trends
            for start, end, level in trend.levels
            for number, run in enumerate(trend.series.runs[start:end], start)
        ),
    )


def _shown(trends: Sequence[Trend]) -> list[Metric]:
    """Those that decide, and of the others as many as there is room for."""
    measured = {trend.series.track.metric for trend in trends}
    ordered = sorted(
        (metric for metric in METRICS if metric in measured),
        key=lambda metric: METRICS[metric].is_advisory,
    )
    return ordered[:_COLUMNS]


def _footer(trends: Sequence[Trend]) -> frame.Footer:
    runs = {run.name: run.run for trend in trends for run in trend.series.runs}
    started = [run.started_at for run in runs.values()]
    return frame.Footer(
        verdict="pass",
        doubts=(),
        provenance=(
            f"suite {trends[0].series.track.suite}",
            f"{len(runs)} runs, each of which has passed",
            f"{min(started):%Y-%m-%d} to {max(started):%Y-%m-%d}",
        ),
    )


def _draw_panel(axes: Axes, trend: Trend) -> None:
    track, ratios = trend.series.track, trend.series.ratios
    look = style.look_of(track.strategy.partition(" ")[0])
    axes.plot(
        range(len(ratios)),
        ratios,
        linestyle="none",
        marker=look.marker,
        markersize=4,
        color=look.colour,
        alpha=0.55,
    )
    for start, end, level in trend.levels:
        axes.plot([start - 0.5, end - 0.5], [level, level], color=look.colour, linewidth=2)
    low, high = min(ratios), max(ratios)
    margin = 0.1 * (high - low or high)
    axes.set_ylim(low - margin, high + margin + (_HEADROOM * (high - low or high)))
    axes.set_xlim(-0.7, len(ratios) - 0.3)
    for number, change in enumerate(trend.changes):
        _mark(axes, change, is_right=change.index > len(ratios) / 2, is_low=bool(number % 2))
    axes.set_title(
        f"{frame.shortened(track.strategy, _LONGEST_NAME)}: {METRIC_NAMES[track.metric]}"
        f" ÷ {track.reference}",
        fontsize=9,
    )
    axes.xaxis.set_major_locator(MaxNLocator(5, integer=True))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda place, _: _when(trend, place)))
    axes.yaxis.set_major_locator(MaxNLocator(4))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.tick_params(labelsize=8)


def _mark(axes: Axes, change: Change, *, is_right: bool, is_low: bool) -> None:
    colour = style.INK if change.is_better else style.ALARM
    axes.axvline(
        change.index - 0.5,
        color=colour,
        linewidth=1.2,
        linestyle="-" if change.is_better else "--",
    )
    axes.annotate(
        f"{size_text(change)} {_direction(change)}\n{between(change)}",
        xy=(change.index - 0.5, 0 if is_low else 1),
        xycoords=("data", "axes fraction"),
        xytext=(-4 if is_right else 4, 3 if is_low else -3),
        textcoords="offset points",
        ha="right" if is_right else "left",
        va="bottom" if is_low else "top",
        fontsize=7.5,
        color=colour,
        linespacing=1.2,
    )


def _when(trend: Trend, place: float) -> str:
    """When the run at a place of the axis began: the day, or the time if all are of one day."""
    started = [run.run.started_at for run in trend.series.runs]
    if not 0 <= (number := round(place)) < len(started):
        return ""
    is_one_day = started[0].date() == started[-1].date()
    return f"{started[number]:{'%H:%M' if is_one_day else '%Y-%m-%d'}}"


def _key() -> list[Artist]:
    return [
        Line2D([], [], color=style.FAINT, marker="o", linestyle="none", label="a run"),
        Line2D([], [], color=style.FAINT, linewidth=2, label="mean of a level"),
        Line2D([], [], color=style.INK, linewidth=1.2, label="change for the better"),
        Line2D(
            [], [], color=style.ALARM, linewidth=1.2, linestyle="--", label="change for the worse"
        ),
    ]


def _name(trend: Trend) -> str:
    return f"{trend.series.track.arm}, {METRIC_NAMES[trend.series.track.metric]}"


def _changes_text(trend: Trend) -> str:
    return "; ".join(map(_change_text, trend.changes)) or "no change"


def _change_text(change: Change) -> str:
    return (
        f"{size_text(change)} ({_direction(change)}) since {change.after.name}, {between(change)}"
    )


def _direction(change: Change) -> str:
    return "better" if change.is_better else "worse"
