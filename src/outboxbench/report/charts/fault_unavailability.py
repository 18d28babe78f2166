"""How long nothing succeeds: distributions over injections, of time to first ok and longest gap."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

from matplotlib.ticker import FixedLocator, PercentFormatter

from outboxbench.analysis.fault_panels import fault_panels, first_ok_ms, longest_gap_ms
from outboxbench.analysis.history.availability_summary import distribution
from outboxbench.report import style
from outboxbench.report.charts import fault_names, frame
from outboxbench.report.charts.log_ticks import label_log_axis
from outboxbench.report.numbers import three_digits

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from outboxbench.analysis.fault_panels import FaultPanel
    from outboxbench.results.availability import Injection
    from outboxbench.results.faults import FaultArm
    from outboxbench.results.model import Run

    Measure = Callable[[Sequence[Injection]], list[float | None]]

TITLE = "How long nothing succeeds"
SHOWS = "distributions over injections: time to first ok, and longest gap"

_MEASURES: Final[tuple[tuple[str, Measure], ...]] = (
    ("time to first ok", first_ok_ms),
    ("longest gap between two ok", longest_gap_ms),
)

_HEADING_IN: Final = 0.55
_AXIS_IN: Final = 0.75
_LEAST_HEIGHT_IN: Final = 1.7
_NAME_STEP_IN: Final = 0.2
_SAMPLE_IN: Final = 0.5
_LEFT_IN: Final = frame.LEFT_IN + 0.5
_GAP_IN: Final = 0.3
_SHORTEST_MS: Final = 0.1
_MARGIN: Final = 1.4
_LEAST_RANGE: Final = 10.0
_NAMED: Final = 4
"""Injections that are named by their number; of more the first ones are."""


def draw(run: Run) -> Figure:
    """Draw a panel for each fault: two distributions, and what never came to pass beside them.

    Raises NoDataError when there was no injection.
    """
    panels = [panel for panel in fault_panels(run) if _measured(panel)]
    if not panels:
        raise frame.NoDataError("no fault was injected")
    with style.applied():
        figure = frame.new_figure(
            fault_names.footer(run),
            title=TITLE,
            subtitle="Share of the injections after which it took no longer than this; further left"
            " is better. First ok: from the onset to the end of the first attempt\ninvoked once"
            " the fault had taken effect. What never came to pass keeps a line below 100%.",
            key=style.strategy_key(arm.strategy for panel in panels for arm in panel.arms),
            panels_in=sum(_height_in(panel) for panel in panels),
        )
        names_in = _SAMPLE_IN + fault_names.width_in(
            _name(panel, arm) for panel in panels for arm in _measured(panel)
        )
        width_in = (frame.WIDTH_IN - _LEFT_IN - _GAP_IN - names_in - frame.LEFT_IN) / 2
        top_in = frame.TOP_IN
        for panel in panels:
            _draw_panel(figure, panel, top_in, width_in)
            top_in += _height_in(panel)
    return figure


def describe(run: Run) -> str:
    """The chart in words: the median and the longest of each arm, and what never came to pass."""
    return " ".join(
        f"{panel.fault}: {'; '.join(_in_words(panel, arm) for arm in _measured(panel))}."
        for panel in fault_panels(run)
        if _measured(panel)
    )


def _in_words(panel: FaultPanel, arm: FaultArm) -> str:
    told = []
    for title, measure in _MEASURES:
        values = measure(arm.availability.injections)
        points = distribution(values)
        median = next((point.value for point in points if point.share >= 0.5), None)
        longest = points[-1].value if points else None
        told.append(f"{title} median {three_digits(median)} ms, longest {three_digits(longest)} ms")
    never = _never(arm)
    return f"{panel.label(arm)}, verdict {arm.verdict}: {', '.join((*told, *never))}"


def _measured(panel: FaultPanel) -> list[FaultArm]:
    return [arm for arm in panel.arms if arm.availability.injections]


def _height_in(panel: FaultPanel) -> float:
    return _HEADING_IN + _axes_in(panel) + _AXIS_IN


def _axes_in(panel: FaultPanel) -> float:
    return max(_LEAST_HEIGHT_IN, _NAME_STEP_IN * len(_measured(panel)))


def _draw_panel(figure: Figure, panel: FaultPanel, top_in: float, width_in: float) -> None:
    arms, height_in = _measured(panel), _axes_in(panel)
    injections = sorted({len(arm.availability.injections) for arm in arms})
    times = " or ".join(f"{count}" for count in injections)
    frame.write_heading(figure, f"{panel.fault}, {times} times", "", at_in=top_in)
    limits_ms = _limits_ms(arms)
    for column, (title, measure) in enumerate(_MEASURES):
        axes = frame.place(
            figure,
            left_in=_LEFT_IN + column * (width_in + _GAP_IN),
            top_in=top_in + _HEADING_IN,
            width_in=width_in,
            height_in=height_in,
        )
        axes.set_title(title, fontsize=9, weight="normal", color=style.FAINT)
        axes.set_xscale("log")
        axes.set_xlim(*limits_ms)
        label_log_axis(axes.xaxis, limits_ms, length_in=width_in)
        axes.set_xlabel("ms (logarithmic)", fontsize=9)
        axes.set_ylim(0, 1.04)
        axes.yaxis.set_major_locator(FixedLocator([0, 0.5, 1]))
        axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
        axes.tick_params(labelleft=column == 0, labelsize=9)
        if column == 0:
            axes.set_ylabel("of injections", fontsize=9)
        for arm in arms:
            _draw_distribution(axes, panel, arm, measure, limits_ms)
    for row, arm in enumerate(arms):
        _write_name(axes, panel, arm, level=1 - (row + 0.5) * _NAME_STEP_IN / height_in)


def _draw_distribution(
    axes: Axes, panel: FaultPanel, arm: FaultArm, measure: Measure, limits_ms: tuple[float, float]
) -> None:
    low_ms, high_ms = limits_ms
    points = distribution(measure(arm.availability.injections))
    look = style.look_of(arm.strategy)
    last = points[-1].share if points else 0.0
    axes.plot(
        [low_ms, *(max(point.value, low_ms) for point in points), high_ms],
        [0, *(point.share for point in points), last],
        drawstyle="steps-post",
        color=look.colour,
        linestyle=look.line,
        linewidth=1.5,
        marker=look.marker,
        markersize=4.5,
        fillstyle=fault_names.fill(panel, arm),
        # The ends are not measured, they only lead the line to the edges.
        markevery=slice(1, len(points) + 1),
        alpha=0.9,
    )


def _write_name(axes: Axes, panel: FaultPanel, arm: FaultArm, *, level: float) -> None:
    look = style.look_of(arm.strategy)
    width_in = axes.get_position().width * frame.WIDTH_IN
    axes.plot(
        [1 + right_in / width_in for right_in in (0.12, 0.26, 0.4)],
        [level] * 3,
        transform=axes.transAxes,
        clip_on=False,
        color=look.colour,
        linestyle=look.line,
        linewidth=1.5,
        marker=look.marker,
        markersize=4.5,
        markevery=[1],
        fillstyle=fault_names.fill(panel, arm),
    )
    frame.write_beside(
        axes,
        _name(panel, arm),
        level=level,
        right_in=_SAMPLE_IN,
        align="left",
        colour=style.ALARM if _never(arm) else fault_names.colour(arm),
        size=fault_names.SIZE,
    )


def _name(panel: FaultPanel, arm: FaultArm) -> str:
    return "  ".join((fault_names.marked_name(panel, arm), *_never(arm)))


def _never(arm: FaultArm) -> list[str]:
    """Name the injections after which nothing succeeded any more."""
    injections = arm.availability.injections
    never = [
        each.number
        for each, value in zip(injections, first_ok_ms(injections), strict=True)
        if value is None
    ]
    if not never:
        return []
    more = ", …" if len(never) > _NAMED else ""
    return [f"never after {', '.join(f'#{number}' for number in never[:_NAMED])}{more}"]


def _limits_ms(arms: Sequence[FaultArm]) -> tuple[float, float]:
    values = [
        max(value, _SHORTEST_MS)
        for arm in arms
        for _, measure in _MEASURES
        for value in measure(arm.availability.injections)
        if value is not None
    ]
    low, high = min(values, default=1) / _MARGIN, max(values, default=1000) * _MARGIN
    # Less than a decade would make much of little.
    widened = max(1.0, math.sqrt(_LEAST_RANGE * low / high))
    return low / widened, high * widened
