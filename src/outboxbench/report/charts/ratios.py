"""Ratios with their intervals: every arm against the one that it is compared with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from outboxbench.analysis.comparable import comparable_arms
from outboxbench.report import style
from outboxbench.report.charts import frame
from outboxbench.report.numbers import METRIC_NAMES, interval

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from outboxbench.analysis.comparable import ComparableArms
    from outboxbench.results.comparison import Comparison, Decision, Metric
    from outboxbench.results.model import Arm, Run

TITLE = "Ratios"
SHOWS = "ok/s and median latency of each arm as a ratio to its reference, with 95% intervals"

MOST_TABLES: Final = 12

_ROW_IN = 0.3
_HEADING_IN = 0.6
_AXIS_IN = 0.6
_NAMES_IN = 2.45
_PANEL_IN = 2.35
_STEP_IN = 4.1
_VALUE_IN = 0.12
_TICKS = (0.1, 0.14, 0.2, 0.3, 0.5, 0.7, 1, 1.4, 2, 3, 5, 7, 10)
_METRICS: tuple[Metric, Metric] = ("ok_per_s", "latency_p50")
_OPEN_LOOP_METRICS: tuple[Metric, Metric] = ("latency_p50", "latency_p99")
_COLOURS: dict[Decision, str] = {
    "regression": "#B2182B",
    "improvement": "#1A7A3A",
    "same": style.INK,
    "inconclusive": style.FAINT,
}
_WORDS: dict[Decision, str] = {
    "improvement": "better",
    "regression": "worse",
    "same": "the same",
    "inconclusive": "inconclusive",
}


class _Row(NamedTuple):
    name: str
    arm: Arm
    by_metric: dict[Metric, Comparison]


class _Table(NamedTuple):
    arms: ComparableArms
    rows: list[_Row]
    metrics: tuple[Metric, Metric]


def draw(run: Run) -> Figure:
    """Draw a row of two panels for each comparable set of arms, the best ratio on top.

    Raises NoDataError when nothing was compared.
    """
    tables = _tables(run)
    if not tables:
        raise frame.NoDataError("no arm has one that it could be compared with in two rounds")
    shown = tables[:MOST_TABLES]
    with style.applied():
        figure = frame.new_figure(
            frame.Footer.of_run(run),
            title=TITLE,
            subtitle="An arm's figure divided by that of its reference in the same round: mean over"
            f" the rounds, and 95% interval.\n{_note(tables)}",
            key=_key(),
            panels_in=sum(_height_in(table) for table in shown),
        )
        top_in = frame.TOP_IN
        for table in shown:
            frame.write_heading(
                figure,
                f"{table.arms.title}, ÷ {run.reference}",
                table.arms.settings_text,
                at_in=top_in,
            )
            for column, metric in enumerate(table.metrics):
                axes = frame.place(
                    figure,
                    left_in=frame.LEFT_IN + _NAMES_IN + column * _STEP_IN,
                    top_in=top_in + _HEADING_IN,
                    width_in=_PANEL_IN,
                    height_in=_ROW_IN * len(table.rows),
                )
                _draw_panel(axes, table.rows, metric, names=column == 0)
            top_in += _height_in(table)
    return figure


def describe(run: Run) -> str:
    """The chart in words: every ratio with its interval and what was decided."""
    return " ".join(
        f"{table.arms.title}: "
        + "; ".join(
            f"{row.name} {METRIC_NAMES[metric]} {interval(found)} {found.decision}"
            for row in table.rows
            for metric in table.metrics
            if (found := row.by_metric.get(metric))
        )
        + "."
        for table in _tables(run)
    )


def _tables(run: Run) -> list[_Table]:
    by_head: dict[str, dict[Metric, Comparison]] = {}
    for each in run.comparisons:
        by_head.setdefault(each.head, {})[each.metric] = each
    tables = []
    for arms in comparable_arms(run):
        rows = [
            _Row(f"{arms.label(arm)}, {arm.loop}", arm, by_head[arm.name])
            for arm in arms.strategies
            if arm.name in by_head
        ]
        if rows:
            is_open = any(row.arm.offered_per_s is not None for row in rows)
            tables.append(_Table(arms, rows, _OPEN_LOOP_METRICS if is_open else _METRICS))
    return tables


def _note(tables: Sequence[_Table]) -> str:
    note = "The band is the margin within which a difference counts as none."
    if len(tables) > MOST_TABLES:
        note += f" {len(tables) - MOST_TABLES} more tables are in run.json."
    return note


def _height_in(table: _Table) -> float:
    return _HEADING_IN + _ROW_IN * len(table.rows) + _AXIS_IN


def _draw_panel(axes: Axes, rows: Sequence[_Row], metric: Metric, *, names: bool) -> None:
    found = [row.by_metric[metric] for row in rows if metric in row.by_metric]
    low = min([each.low for each in found], default=0.9) / 1.05
    high = max([each.high for each in found], default=1.1) * 1.05
    axes.set_xscale("log")
    axes.set_xlim(min(low, 0.88), max(high, 1.14))
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.set_yticks([])
    span = axes.get_xlim()
    # On a wide axis only every other tick has room for its label.
    ticks = [tick for tick in _TICKS if span[0] <= tick <= span[1]]
    axes.xaxis.set_major_locator(FixedLocator(ticks if len(ticks) < 7 else ticks[::2]))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.xaxis.set_minor_locator(NullLocator())
    better = "more" if metric == "ok_per_s" else "less"
    axes.set_xlabel(f"{METRIC_NAMES[metric]}, ratio ({better} is better)", fontsize=9)
    if found:
        margin = max(each.margin for each in found)
        axes.axvspan(1 / (1 + margin), 1 + margin, color=style.INK, alpha=0.08, linewidth=0)
    axes.axvline(1, color=style.INK, linewidth=1)
    for number, row in enumerate(rows):
        level = 1 - (number + 0.5) / len(rows)
        if names:
            frame.write_beside(
                axes,
                frame.shortened(row.name, 30),
                level=level,
                left_in=0.12,
                align="right",
                colour=style.INK if row.arm.verdict == "pass" else style.ALARM,
            )
        if comparison := row.by_metric.get(metric):
            _draw_ratio(axes, number, row.arm, comparison)
            frame.write_beside(
                axes,
                interval(comparison),
                level=level,
                right_in=_VALUE_IN,
                align="left",
                colour=_COLOURS[comparison.decision],
            )


def _draw_ratio(axes: Axes, row: int, arm: Arm, comparison: Comparison) -> None:
    look = style.look(arm)
    alpha = 0.55 if comparison.is_advisory else 1.0
    axes.plot(
        [comparison.low, comparison.high], [row, row], color=look.colour, linewidth=2, alpha=alpha
    )
    axes.plot(
        comparison.ratio, row, marker=look.marker, color=look.colour, markersize=6, alpha=alpha
    )


def _key() -> list[Artist]:
    return [
        Line2D([], [], color=style.FAINT, marker="o", markersize=6, linewidth=2, label="ratio"),
        *(Patch(facecolor=_COLOURS[decision], label=_WORDS[decision]) for decision in _WORDS),
    ]
