"""One panel of ratios: a point with its interval for each row, around a line at 1."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final, NamedTuple

from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from outboxbench.report import style
from outboxbench.report.charts import frame
from outboxbench.report.charts.ratio_rows import WORDS
from outboxbench.report.numbers import METRIC_NAMES, interval

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from matplotlib.axes import Axes

    from outboxbench.report.charts.ratio_rows import Row
    from outboxbench.results.comparison import Comparison, Decision, Metric
    from outboxbench.results.model import Arm

_COLOURS: dict[Decision, str] = {
    "regression": "#B2182B",
    "improvement": "#1A7A3A",
    "same": style.INK,
    "inconclusive": style.FAINT,
}

_FINE_TICKS = (0.6, 0.7, 0.8, 0.85, 0.9, 0.95, 1, 1.05, 1.1, 1.15, 1.2, 1.3, 1.4, 1.6)
_TICKS = (0.1, 0.14, 0.2, 0.3, 0.5, 0.7, 1, 1.4, 2, 3, 5, 7, 10)
_COARSE_TICKS = (0.001, 0.01, 0.1, 1, 10, 100, 1000)
_FINE_SPAN = 2
_WIDEST = 20
_LARGEST_FIGURE = 999
_COARSE_SPAN = 200
_ADVISORY_ALPHA = 0.5
_GAP_IN = 0.1


class Size(NamedTuple):
    """How large a panel is drawn."""

    row_in: float
    font: float
    marker: float
    word_in: float
    """Where the decision stands, right of the axes."""
    most_ticks: int
    has_figures: bool


FULL: Final = Size(row_in=0.27, font=9, marker=6, word_in=1.52, most_ticks=6, has_figures=True)
SMALL: Final = Size(
    row_in=0.17, font=7.5, marker=4.2, word_in=_GAP_IN, most_ticks=4, has_figures=False
)


class Limits(NamedTuple):
    """The part of the ratios that an axis shows."""

    low: float
    high: float


def limits(comparisons: Iterable[Comparison]) -> Limits:
    """Room for 1, its margins, all ratios, and for intervals as far as they say something."""
    found = list(comparisons)
    margin = max((each.margin for each in found), default=0.05)
    ratios = [1 / (1 + margin), 1 + margin, *(each.ratio for each in found)]
    lows = [max(each.low, 1 / _WIDEST) for each in found]
    highs = [min(each.high, _WIDEST) for each in found]
    return Limits(min(ratios + lows) / 1.06, max(ratios + highs) * 1.06)


def draw_ratios(
    axes: Axes, rows: Sequence[Row | None], metric: Metric, span: Limits, size: Size
) -> None:
    """Draw the rows from the top down; one that is None or lacks the metric stays empty."""
    found = [row.by_metric[metric] for row in rows if row and metric in row.by_metric]
    if not found:
        axes.set_axis_off()
        axes.text(
            0.5,
            0.5,
            f"{METRIC_NAMES[metric]}: too few samples",
            transform=axes.transAxes,
            ha="center",
            va="center",
            fontsize=size.font,
            color=style.FAINT,
        )
        return
    _draw_axis(axes, len(rows), metric, span, size)
    margin = max(each.margin for each in found)
    axes.axvspan(1 / (1 + margin), 1 + margin, color=style.INK, alpha=0.1, linewidth=0)
    for number, row in enumerate(rows):
        if row and (comparison := row.by_metric.get(metric)):
            _draw_ratio(axes, number, row.arm, comparison, size)
            _write_decision(axes, 1 - (number + 0.5) / len(rows), comparison, size)


def write_names(axes: Axes, rows: Sequence[tuple[str, bool]], size: Size, longest: int) -> None:
    """Name the rows left of a panel; a name that must not be trusted is marked."""
    for number, (name, is_trusted) in enumerate(rows):
        frame.write_beside(
            axes,
            frame.shortened(name if is_trusted else f"✗ {name}", longest),
            level=1 - (number + 0.5) / len(rows),
            left_in=_GAP_IN,
            align="right",
            colour=style.INK if is_trusted else style.ALARM,
            size=size.font,
        )


def _draw_axis(axes: Axes, rows: int, metric: Metric, span: Limits, size: Size) -> None:
    axes.set_xscale("log")
    axes.set_xlim(*span)
    axes.set_ylim(rows - 0.5, -0.5)
    axes.set_yticks([])
    axes.xaxis.set_major_locator(FixedLocator(_ticks(span, size.most_ticks)))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.tick_params(axis="x", labelsize=size.font)
    better = "more" if metric == "ok_per_s" else "less"
    axes.set_xlabel(f"{METRIC_NAMES[metric]}, ratio ({better} is better)", fontsize=size.font)
    axes.axvline(1, color=style.INK, linewidth=1)


def _ticks(span: Limits, most: int) -> list[float]:
    """Those of a round grid that fit, from 1 outwards, so that 1 is always one of them."""
    width = span.high / span.low
    grid = _FINE_TICKS if width < _FINE_SPAN else _TICKS if width < _COARSE_SPAN else _COARSE_TICKS
    apart = math.log(width) / most
    kept = [1.0]
    for tick in sorted(grid, key=lambda value: abs(math.log(value))):
        if span.low <= tick <= span.high and all(
            abs(math.log(tick / other)) >= apart for other in kept
        ):
            kept.append(tick)
    return kept


def _draw_ratio(axes: Axes, row: int, arm: Arm, comparison: Comparison, size: Size) -> None:
    look = style.look(arm)
    alpha = _ADVISORY_ALPHA if comparison.is_advisory else 1.0
    axes.plot(
        [comparison.low, comparison.high],
        [row, row],
        color=look.colour,
        linewidth=size.marker / 3,
        solid_capstyle="butt",
        alpha=alpha,
    )
    low, high = axes.get_xlim()
    for end, is_outside, marker in (
        (low, comparison.low < low, "<"),
        (high, comparison.high > high, ">"),
    ):
        if is_outside:
            axes.plot(end, row, marker=marker, color=look.colour, alpha=alpha, clip_on=False)
    axes.plot(
        comparison.ratio,
        row,
        marker=look.marker,
        color=look.colour,
        markersize=size.marker,
        markeredgecolor="white",
        markeredgewidth=0.6,
        alpha=alpha,
    )


def _figures(comparison: Comparison) -> str:
    """The ratio with its interval; two rounds may leave one that has no room beside the axes."""
    if comparison.high < _LARGEST_FIGURE:
        return interval(comparison)
    return f"{comparison.ratio:.2f} [{comparison.low:.2f}, >{_LARGEST_FIGURE}]"


def _write_decision(axes: Axes, level: float, comparison: Comparison, size: Size) -> None:
    colour = style.FAINT if comparison.is_advisory else _COLOURS[comparison.decision]
    if size.has_figures:
        frame.write_beside(
            axes,
            _figures(comparison),
            level=level,
            right_in=_GAP_IN,
            align="left",
            colour=colour,
            size=size.font - 0.5,
        )
    frame.write_beside(
        axes,
        WORDS[comparison.decision],
        level=level,
        right_in=size.word_in,
        align="left",
        colour=colour,
        weight="normal" if comparison.is_advisory else "bold",
        size=size.font - 0.5,
    )
