"""Latency over the offered rate: a curve for each strategy, with its knee."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from matplotlib.lines import Line2D
from matplotlib.ticker import StrMethodFormatter

from outboxbench.analysis.comparable import settings_text
from outboxbench.analysis.rate_series import sweep
from outboxbench.analysis.series import rate_panels
from outboxbench.report import style
from outboxbench.report.charts import frame
from outboxbench.report.charts.data_table import DataTable
from outboxbench.report.charts.findings import sentence
from outboxbench.report.charts.knee_words import highest_knee, knee_text
from outboxbench.report.charts.line_names import Columns, write_heads, write_line_name
from outboxbench.report.charts.log_ticks import tick_log_axis

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from outboxbench.analysis.knee import Point
    from outboxbench.analysis.rate_series import Sweep
    from outboxbench.results.model import Run

TITLE = "Latency at a rate"
SHOWS = "latency over the rate of an open loop, and the knee of each curve"
NEEDS = "three rates or more of a strategy in an open loop"
READING = (
    "Follow a curve to the right until it turns up: what the strategy can be asked for ends at its"
    " ring, the knee, and hollow markers are loads that it did not keep up with."
)

_HEADING_IN = 0.8
_PANEL_HEIGHT_IN = 4.6
_AXIS_IN = 0.75
_WIDTH_IN = 5.75
_LEFT_IN = frame.LEFT_IN + 0.7
_COLUMNS = Columns(0.2, 0.32, 19, figure_in=2.0, verdict_in=3.4, figure_align="left")
_LABEL_GAP_IN = 0.3
_PALE = 0.4
_CAPACITY_HEIGHT = 0.08
_US_PER_MS = 1000


class _Panel(NamedTuple):
    title: str
    settings: str
    sweeps: list[Sweep]


def draw(run: Run) -> Figure:
    """Draw a panel for each set of sweeps that may be compared, and each event loop.

    Raises NoDataError when no arm was measured at three rates or more.
    """
    panels = _panels(run)
    if not panels:
        raise frame.NoDataError("no strategy was offered three rates or more in an open loop")
    height_in = _HEADING_IN + _PANEL_HEIGHT_IN + _AXIS_IN
    with style.applied():
        figure = frame.new_figure(
            frame.Footer.of_run(run),
            title=TITLE,
            subtitle="From when an operation was due until it was done, over the rate at which"
            " operations come; further right and lower is better.\nThe knee is where throughput"
            " over latency is greatest: beyond it, waiting grows faster than work.",
            key=_key(),
            panels_in=height_in * len(panels),
        )
        for number, panel in enumerate(panels):
            top_in = frame.TOP_IN + number * height_in
            frame.write_heading(figure, panel.title, panel.settings, at_in=top_in)
            axes = frame.place(
                figure,
                left_in=_LEFT_IN,
                top_in=top_in + _HEADING_IN,
                width_in=_WIDTH_IN,
                height_in=_PANEL_HEIGHT_IN,
            )
            _draw_panel(axes, panel.sweeps)
    return figure


def describe(run: Run) -> str:
    """The chart in words: the knee of every curve."""
    return " ".join(
        f"{panel.title}: "
        + "; ".join(
            f"{each.series.strategy} {each.series.loop} knee {knee_text(each)}, verdict"
            f" {each.series.verdict}"
            for each in panel.sweeps
        )
        + "."
        for panel in _panels(run)
    )


def finding(run: Run) -> str:
    """Say whose knee lies highest in each panel, and who has none within the rates."""
    return sentence([highest_knee(panel.title, panel.sweeps) for panel in _panels(run)])


def data(run: Run) -> DataTable:
    """Every rate of every curve."""
    return DataTable(
        columns=(
            *("arms", "settings", "strategy", "offered, 1/s", "ok/s"),
            *("latency p50, ms", "latency p99, ms", "skipped, share", "knee", "verdict"),
        ),
        rows=tuple(
            (
                *(panel.title, panel.settings, each.series.strategy),
                *(tail.offered_per_s, tail.ok_per_s, _ms(middle), _ms(tail), tail.skipped_share),
                *("yes" if at_knee == tail.offered_per_s else "no", each.series.verdict),
            )
            for panel in _panels(run)
            for each in panel.sweeps
            for at_knee in (each.knee.offered_per_s if each.knee else None,)
            for tail, middle in zip(each.tails, each.medians, strict=True)
        ),
    )


def _ms(point: Point) -> float | None:
    return None if point.latency_us is None else point.latency_us / _US_PER_MS


def _panels(run: Run) -> list[_Panel]:
    """The sweeps that end leftmost come first, as their curves do."""
    return [
        _Panel(
            f"{panel.title}, {loop}",
            settings_text(panel.settings),
            sorted((each for each in sweeps if each.series.loop == loop), key=_highest_rate),
        )
        for panel in rate_panels(run)
        for sweeps in ([sweep(series) for series in panel.series],)
        for loop in sorted({each.series.loop for each in sweeps})
    ]


def _draw_panel(axes: Axes, sweeps: Sequence[Sweep]) -> None:
    axes.set_yscale("log")
    tick_log_axis(axes.yaxis, is_wide=True, spec="g")
    axes.xaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
    axes.set_xlabel("offered operations per second", fontsize=9)
    axes.set_ylabel("latency, ms (logarithmic)", fontsize=9)
    for each in sweeps:
        _draw_sweep(axes, each)
    axes.set_xlim(left=0)
    _write_labels(axes, sweeps)


def _draw_sweep(axes: Axes, each: Sweep) -> None:
    look = style.look(each.series.arms[0])
    draw = partial(axes.plot, color=look.colour, linestyle=look.line)
    medians, points = _told(each.medians), _told(each.points)
    draw(_rates(medians), _latencies_ms(medians), linewidth=1, alpha=_PALE)
    draw(_rates(points), _latencies_ms(points), linewidth=1.7)
    for point in points:
        axes.plot(
            *_place(point),
            marker=look.marker,
            markersize=5.5,
            color=look.colour,
            markerfacecolor=look.colour if point.keeps_up else "white",
        )
    if (found := each.knee) is not None:
        axes.plot(
            *_place(found),
            marker="o",
            markersize=13,
            markerfacecolor="none",
            markeredgecolor=look.colour,
            markeredgewidth=1.6,
        )
    if (capacity := each.capacity_per_s) is not None:
        axes.plot(
            [capacity, capacity],
            [0, _CAPACITY_HEIGHT],
            transform=axes.get_xaxis_transform(),
            color=look.colour,
            linestyle=":",
            linewidth=2,
        )


def _write_labels(axes: Axes, sweeps: Sequence[Sweep]) -> None:
    aside = partial(
        frame.write_beside, axes, right_in=_COLUMNS.name_in, align="left", colour=style.FAINT
    )
    aside("strategy", level=1)
    write_heads(axes, _COLUMNS, level=1, figure="knee: rate, p99")
    gap = min(_LABEL_GAP_IN / _PANEL_HEIGHT_IN, 0.9 / len(sweeps))
    for number, each in enumerate(sweeps, 1):
        write_line_name(
            axes,
            _COLUMNS,
            style.look(each.series.arms[0]),
            level=1 - number * gap,
            name=each.series.strategy,
            figure=knee_text(each),
            verdict=each.series.verdict,
        )
    if any(each.judged_by == "p50" for each in sweeps):
        aside("* by the median: too few samples for p99", level=0)


def _highest_rate(each: Sweep) -> float:
    return max((point.offered_per_s for point in each.points), default=0.0)


def _told(points: Sequence[Point]) -> list[Point]:
    return [point for point in points if point.latency_us]


def _place(point: Point) -> tuple[float, float]:
    return point.offered_per_s, (point.latency_us or 0.0) / _US_PER_MS


def _rates(points: Sequence[Point]) -> list[float]:
    return [point.offered_per_s for point in points]


def _latencies_ms(points: Sequence[Point]) -> list[float]:
    return [_place(point)[1] for point in points]


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
        Line2D([], [], color=style.FAINT, linewidth=1.7, label="p99"),
        Line2D([], [], color=style.FAINT, linewidth=1, alpha=_PALE, label="median"),
        marker(style.FAINT, "kept up with", 5.5),
        marker("white", "not kept up with", 5.5),
        marker("none", "knee", 11),
        Line2D(
            [], [], color=style.FAINT, linestyle=":", linewidth=2, label="capacity, closed loop"
        ),
    ]
