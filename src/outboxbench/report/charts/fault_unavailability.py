"""How long nothing succeeds: distributions over injections, of time to first ok and longest gap."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

from matplotlib.ticker import FixedLocator, PercentFormatter

from outboxbench.analysis.fault_panels import first_ok_ms, longest_gap_ms
from outboxbench.analysis.history.availability_summary import distribution
from outboxbench.report import style
from outboxbench.report.charts import fault_frame, fault_names
from outboxbench.report.charts.data_table import DataTable
from outboxbench.report.charts.log_ticks import label_log_axis
from outboxbench.report.numbers import three_digits

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from outboxbench.analysis.fault_panels import FaultPanel
    from outboxbench.report.charts.fault_frame import PlacedPanel
    from outboxbench.results.availability import Injection
    from outboxbench.results.faults import FaultArm
    from outboxbench.results.model import Run

    Measure = Callable[[Sequence[Injection]], list[float | None]]

TITLE = "How long nothing succeeds"
SHOWS = "distributions over injections: time to first ok, and longest gap"
NEEDS = "arms under faults, each with an injection"
READING = (
    "Each line rises to the share of injections after which it took no longer than the time below:"
    " the further left it rises the better, and one that ends below 100% is of who did not come"
    " back, the injections being named beside it."
)

_MEASURES: Final[tuple[tuple[str, Measure], ...]] = (
    ("time to first ok", first_ok_ms),
    ("longest gap between two ok", longest_gap_ms),
)

_LEAST_HEIGHT_IN: Final = 1.45
_SHARES_IN: Final = 0.65
"""For the axis of shares, left of the first axes."""
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
    panels = fault_frame.injected(run)
    return fault_frame.draw_panels(
        run,
        panels,
        _draw_panel,
        title=TITLE,
        subtitle="Share of the injections after which it took no longer than this; further left"
        " is better. First ok: from the onset to the end of the first attempt\ninvoked once"
        " the fault had taken effect. What never came to pass keeps a line below 100%.",
        key=style.strategy_key(arm.strategy for panel in panels for arm in panel.arms),
        name=_name,
        is_alarming=lambda arm: bool(_never(arm)),
        is_stroked=True,
        least_in=_LEAST_HEIGHT_IN,
    )


def describe(run: Run) -> str:
    """The chart in words: the median and the longest of each arm, and what never came to pass."""
    return fault_frame.describe_arms(fault_frame.injected(run), _in_words)


def finding(run: Run) -> str:
    """How long nothing succeeded at the most and at the least, and how often nothing did again."""
    panels = fault_frame.injected(run)
    gaps = [
        (gap_ms, f"{panel.label(arm)} under {panel.fault}")
        for panel in panels
        for arm in panel.arms
        for gap_ms in longest_gap_ms(arm.availability.injections)
    ]
    ended = [(gap_ms, whose) for gap_ms, whose in gaps if gap_ms is not None]
    never = len(gaps) - len(ended)
    if not ended:
        return f"Nothing succeeded any more after each of {len(gaps)} injections."
    (shortest_ms, who_least), (longest_ms, who_most) = min(ended), max(ended)
    return (
        f"The longest time without an ok was {three_digits(longest_ms)} ms ({who_most}), the"
        f" shortest after an injection {three_digits(shortest_ms)} ms ({who_least});"
        f" after {never or 'none'} of {len(gaps)} injections nothing succeeded any more."
    )


def data(run: Run) -> DataTable:
    """Both times of every injection."""
    return DataTable(
        columns=(
            "fault",
            "arm",
            "verdict",
            "injection",
            *(f"{title}, ms" for title, _ in _MEASURES),
        ),
        rows=tuple(
            (*fault_frame.named(panel, arm), injection.number, *values)
            for panel in fault_frame.injected(run)
            for arm in panel.arms
            for injection, *values in zip(
                arm.availability.injections,
                *(measure(arm.availability.injections) for _, measure in _MEASURES),
                strict=True,
            )
        ),
    )


def _in_words(arm: FaultArm) -> str:
    told = []
    for title, measure in _MEASURES:
        values = measure(arm.availability.injections)
        points = distribution(values)
        median = next((point.value for point in points if point.share >= 0.5), None)
        longest = points[-1].value if points else None
        told.append(f"{title} median {three_digits(median)} ms, longest {three_digits(longest)} ms")
    return ", ".join((*told, *_never(arm)))


def _draw_panel(placed: PlacedPanel) -> None:
    limits_ms = _limits_ms(placed.panel.arms)
    columns = len(_MEASURES)
    width_in = (placed.width_in - _SHARES_IN - (columns - 1) * _GAP_IN) / columns
    for column, (title, measure) in enumerate(_MEASURES):
        axes = placed.axes(
            title, at_in=_SHARES_IN + column * (width_in + _GAP_IN), width_in=width_in
        )
        axes.set_xscale("log")
        axes.set_xlim(*limits_ms)
        label_log_axis(axes.xaxis, limits_ms, length_in=width_in)
        axes.set_xlabel("ms (logarithmic)", fontsize=fault_frame.AXIS_SIZE)
        axes.set_ylim(0, 1.04)
        axes.yaxis.set_major_locator(FixedLocator([0, 0.5, 1]))
        axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
        axes.tick_params(labelleft=column == 0)
        if column == 0:
            axes.set_ylabel("of injections", fontsize=fault_frame.AXIS_SIZE)
        for arm in placed.panel.arms:
            _draw_distribution(axes, placed.panel, arm, measure, limits_ms)


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
