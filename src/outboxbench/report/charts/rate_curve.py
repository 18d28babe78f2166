"""Latency over the offered rate: a curve for each strategy, with its knee."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator, StrMethodFormatter

from outboxbench.analysis.comparable import settings_text
from outboxbench.analysis.knee import knee
from outboxbench.analysis.series import curve, rate_panels
from outboxbench.report import style
from outboxbench.report.charts import frame
from outboxbench.report.charts.labels import spread_apart
from outboxbench.report.numbers import milliseconds, three_digits

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from outboxbench.analysis.knee import Point
    from outboxbench.analysis.series import Panel, Series
    from outboxbench.results.model import Run

TITLE = "Latency at a rate"
SHOWS = "99th percentile over the rate of an open loop, and the knee of each curve"

_HEADING_IN = 0.75
_PANEL_HEIGHT_IN = 4.6
_AXIS_IN = 0.75
_WIDTH_IN = 6.7
_LEFT_IN = frame.LEFT_IN + 0.65
_NAME_IN = 0.15
_KNEE_IN = 2.0
_VERDICT_IN = 3.05
_LABEL_GAP_IN = 0.36
_US_PER_MS = 1000


def draw(run: Run) -> Figure:
    """Draw a panel for each set of sweeps that may be compared.

    Raises NoDataError when no arm was measured at three rates or more.
    """
    panels = rate_panels(run)
    if not panels:
        raise frame.NoDataError("no strategy was offered three rates or more in an open loop")
    height_in = _HEADING_IN + _PANEL_HEIGHT_IN + _AXIS_IN
    with style.applied():
        figure = frame.new_figure(
            frame.Footer.of_run(run),
            title=TITLE,
            subtitle="99th percentile of latency from when an operation was due, over the rate at"
            " which operations come; further right and lower is better.\nThe ring is the knee,"
            " where throughput over latency is greatest: beyond it, waiting grows faster than"
            " work.",
            key=_key(),
            panels_in=height_in * len(panels),
        )
        for number, panel in enumerate(panels):
            top_in = frame.TOP_IN + number * height_in
            frame.write_heading(figure, panel.title, settings_text(panel.settings), at_in=top_in)
            axes = frame.place(
                figure,
                left_in=_LEFT_IN,
                top_in=top_in + _HEADING_IN,
                width_in=_WIDTH_IN,
                height_in=_PANEL_HEIGHT_IN,
            )
            _draw_panel(axes, panel)
    return figure


def describe(run: Run) -> str:
    """The chart in words: the knee of every curve."""
    return " ".join(
        f"{panel.title}: "
        + "; ".join(f"{each.strategy} {each.loop} {_knee_text(each)}" for each in panel.series)
        + "."
        for panel in rate_panels(run)
    )


def _draw_panel(axes: Axes, panel: Panel) -> None:
    axes.set_yscale("log")
    axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.yaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
    axes.set_xlabel("offered operations per second", fontsize=9)
    axes.set_ylabel("99th percentile, ms (logarithmic)", fontsize=9)
    drawn = [series for series in panel.series if _draw_series(axes, series)]
    axes.set_xlim(left=0)
    _write_labels(axes, sorted(drawn, key=_last_rate))


def _draw_series(axes: Axes, series: Series) -> bool:
    look = style.look(series.arms[0])
    points = [point for point in curve(series) if point.latency_us]
    if not points:
        return False
    axes.plot(
        [point.offered_per_s for point in points],
        [_ms(point) for point in points],
        color=look.colour,
        linestyle=look.line,
        linewidth=1.6,
    )
    for point in points:
        axes.plot(
            point.offered_per_s,
            _ms(point),
            marker=look.marker,
            markersize=5.5,
            color=look.colour,
            markerfacecolor=look.colour if point.keeps_up else "white",
        )
    if (found := knee(curve(series))) is not None:
        axes.plot(
            found.offered_per_s,
            _ms(found),
            marker="o",
            markersize=13,
            markerfacecolor="none",
            markeredgecolor=look.colour,
            markeredgewidth=1.6,
        )
    return True


def _write_labels(axes: Axes, series: Sequence[Series]) -> None:
    """Names stand at the right, the curve that ends leftmost on top."""
    places = spread_apart(
        [1 - (number + 1) * _LABEL_GAP_IN / _PANEL_HEIGHT_IN for number in range(len(series))][
            ::-1
        ],
        gap=_LABEL_GAP_IN / _PANEL_HEIGHT_IN,
        low=0.02,
        high=0.93,
    )[::-1]
    loops = {each.loop for each in series}
    heads = partial(frame.write_beside, axes, level=1.0, colour=style.FAINT, align="left")
    heads("strategy", right_in=_NAME_IN)
    heads("knee", right_in=_KNEE_IN)
    heads("verdict", right_in=_VERDICT_IN)
    for each, level in zip(series, places, strict=True):
        look = style.look(each.arms[0])
        write = partial(frame.write_beside, axes, level=level, align="left")
        name = each.strategy if len(loops) == 1 else f"{each.strategy}, {each.loop}"
        write(frame.shortened(name, 21), right_in=_NAME_IN, colour=look.colour, weight="bold")
        write(_knee_text(each), right_in=_KNEE_IN, colour=style.INK)
        write(style.verdict_text(each.verdict), right_in=_VERDICT_IN, colour=style.INK)


def _knee_text(series: Series) -> str:
    found = knee(curve(series))
    if found is None:
        return "not reached"
    return f"{three_digits(found.offered_per_s)}/s, {milliseconds(found.latency_us)} ms"


def _last_rate(series: Series) -> float:
    return max((point.offered_per_s for point in curve(series)), default=0.0)


def _ms(point: Point) -> float:
    return (point.latency_us or 0.0) / _US_PER_MS


def _key() -> list[Artist]:
    def marker(face: str, label: str, size: float) -> Line2D:
        return Line2D(
            [],
            [],
            linestyle="none",
            marker="o",
            markersize=size,
            color=style.FAINT,
            markerfacecolor=face,
            label=label,
        )

    return [
        marker(style.FAINT, "kept up with", 5.5),
        marker("white", "not kept up with", 5.5),
        marker("none", "knee", 11),
    ]
