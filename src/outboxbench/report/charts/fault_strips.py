"""The strips of an arm that goes through a fault: latency, goodput and backlog over time."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

import numpy as np
from matplotlib.ticker import MaxNLocator, StrMethodFormatter

from outboxbench.analysis.fault_panels import OUTCOMES, offered_per_s
from outboxbench.report import style
from outboxbench.report.charts import frame
from outboxbench.report.charts.log_ticks import label_log_axis
from outboxbench.report.charts.outcome_looks import LOOKS

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from matplotlib.axes import Axes

    from outboxbench.analysis.history.over_time import OverTime
    from outboxbench.results.faults import FaultArm

LEFT_IN: Final = frame.LEFT_IN + 0.62
WIDTH_IN: Final = frame.WIDTH_IN - LEFT_IN - 0.3
LATENCY_IN: Final = 1.15
EDGE: Final = 1.6
"""A latency axis goes so many times beyond the points, where rugs have their place."""
BAND: Final = "#ece7e2"
SERVER_BACK: Final[style.LineStyle] = (0, (3, 2))


def draw_faults(axes: Axes, arm: FaultArm, over_time: OverTime) -> None:
    """Shade each fault from its onset on, and mark when the server was back."""
    across = axes.get_xaxis_transform()
    bands = [(onset_s, healed_s - onset_s) for onset_s, healed_s in over_time.bands_s]
    axes.broken_barh(bands, (0, 1), transform=across, color=BAND, linewidth=0, zorder=0.5)
    # A fault that is over at once would not be seen.
    onsets_s = [onset_s for onset_s, _ in over_time.bands_s]
    axes.vlines(onsets_s, 0, 1, transform=across, color=style.ALARM, linewidth=0.8, zorder=0.6)
    ready_s = [
        (each.onset_ms + each.server_ready_ms) / 1000
        for each in arm.availability.injections
        if each.server_ready_ms is not None
    ]
    axes.vlines(
        ready_s,
        0,
        1,
        transform=across,
        color=style.INK,
        linewidth=1,
        linestyle=SERVER_BACK,
        zorder=1.5,
    )


def draw_points(axes: Axes, over_time: OverTime, limits_ms: tuple[float, float]) -> None:
    """Draw every operation by its latency; those without one along the edges."""
    low_ms, high_ms = limits_ms
    axes.set_yscale("log")
    axes.set_ylim(low_ms, high_ms)
    label_log_axis(axes.yaxis, limits_ms, length_in=LATENCY_IN, points=8)
    axes.set_ylabel("latency, ms", fontsize=8)
    axes.yaxis.set_label_coords(-0.42 / WIDTH_IN, 0.5)
    # The worst last, so on top.
    for number, outcome in enumerate(reversed(OUTCOMES)):
        points = over_time.points.get(outcome)
        if points is not None:
            _scatter(axes, outcome, points.due_s, points.latency_ms, 2 + 0.1 * number)
    edge = math.sqrt(EDGE)
    for outcome, due_s, level_ms in (
        ("skipped", over_time.skipped_s, low_ms * edge),
        ("indeterminate", over_time.endless_s, high_ms / edge),
    ):
        if due_s:
            _scatter(axes, outcome, due_s, [level_ms] * len(due_s), 3)


def _scatter(
    axes: Axes, outcome: str, due_s: Iterable[float], latency_ms: Iterable[float], order: float
) -> None:
    look = next(look for name, look in LOOKS.items() if name == outcome)
    axes.plot(
        np.fromiter(due_s, float),
        np.fromiter(latency_ms, float),
        linestyle="none",
        marker=look.marker,
        markersize=look.size,
        markeredgewidth=0.7 if outcome != "ok" else 0,
        color=style.FAINT if outcome == "ok" else look.colour,
        alpha=0.7 if outcome == "ok" else 1,
        label=look.name,
        # Thousands of points as paths would make files that no browser opens.
        rasterized=True,
        zorder=order,
    )


def draw_goodput(axes: Axes, arm: FaultArm, highest: float) -> None:
    """Draw good operations per second, beside those that were offered."""
    timeline = arm.availability.timeline
    rates = goodput(arm)
    begins_s, bin_s = timeline.begins_ms / 1000, timeline.bin_ms / 1000
    edges_s = [begins_s + bin_s * number for number in range(len(rates) + 1)]
    axes.stairs(rates, edges_s, color=style.look_of(arm.strategy).colour, linewidth=1.2)
    if (offered := offered_per_s(arm)) is not None:
        axes.axhline(offered, color=style.FAINT, linewidth=0.8, linestyle=":")
    axes.set_ylim(0, highest)
    _label_counts(axes, "good/s")


def draw_backlog(axes: Axes, arm: FaultArm, over_time: OverTime, highest: float) -> None:
    """Draw how many operations were waited for."""
    steps_s = [
        over_time.begins_s + over_time.step_s * number
        for number in range(len(over_time.backlog) + 1)
    ]
    axes.stairs(
        over_time.backlog,
        steps_s,
        fill=True,
        color=style.look_of(arm.strategy).colour,
        alpha=0.6,
        linewidth=0,
    )
    axes.set_ylim(0, highest)
    _label_counts(axes, "backlog")


def _label_counts(axes: Axes, label: str) -> None:
    axes.yaxis.set_major_locator(MaxNLocator(2, integer=True))
    axes.yaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
    axes.set_ylabel(label, fontsize=8)
    axes.yaxis.set_label_coords(-0.42 / WIDTH_IN, 0.5)


def goodput(arm: FaultArm) -> Sequence[float]:
    """Good operations per second of each bin; the last may be cut short, and tells nothing."""
    timeline = arm.availability.timeline
    return [good * 1000 / timeline.bin_ms for good in timeline.good[:-1]]
