"""A fault as it was lived through: every operation, goodput and backlog over time, arm by arm."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator, StrMethodFormatter

from outboxbench.analysis.fault_panels import OUTCOMES, offered_per_s
from outboxbench.report import style
from outboxbench.report.charts import fault_names, frame
from outboxbench.report.charts.log_ticks import label_log_axis
from outboxbench.report.charts.outcome_looks import LOOKS, points_key

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from outboxbench.analysis.fault_panels import FaultPanel
    from outboxbench.analysis.history.over_time import OverTime
    from outboxbench.results.faults import FaultArm
    from outboxbench.results.model import Run

TITLE = "Through a fault"
SHOWS = "every operation, goodput and backlog over time, a figure for each fault"

_LEFT_IN: Final = frame.LEFT_IN + 0.62
_WIDTH_IN: Final = frame.WIDTH_IN - _LEFT_IN - 0.3
_NAME_IN: Final = 0.3
_LATENCY_IN: Final = 1.15
_GOODPUT_IN: Final = 0.55
_BACKLOG_IN: Final = 0.55
_GAP_IN: Final = 0.12
_AXIS_IN: Final = 0.5
_ARM_IN: Final = _NAME_IN + _LATENCY_IN + _GOODPUT_IN + _BACKLOG_IN + 2 * _GAP_IN + _AXIS_IN
_EDGE: Final = 1.6
"""A latency axis goes so many times beyond the points, where rugs have their place."""

_BAND: Final = "#ece7e2"

_HEADROOM: Final = 1.15


class _Scales(NamedTuple):
    """What the axes of all arms have in common, as they are there to be compared."""

    limits_s: tuple[float, float]
    limits_ms: tuple[float, float]
    goodput: float
    backlog: float


def draw(run: Run, panel: FaultPanel, over_time: Mapping[str, OverTime]) -> Figure:
    """Draw three strips for each arm of a fault, all arms on the same axes of values.

    Args:
        run: what the footer tells of.
        panel: the arms under one fault.
        over_time: their histories, by the arm's name.

    Raises NoDataError when no operation of theirs has ended.
    """
    told = [over_time[arm.name] for arm in panel.arms]
    scales = _scales(panel, told)
    with style.applied():
        figure = frame.new_figure(
            fault_names.footer(run),
            title=f"{TITLE}: {panel.fault}",
            subtitle="Above, each operation at the time it was due, and how long it took from then;"
            " along the upper edge those that never ended, along the lower\nthose that were"
            " skipped. Below, good operations per second, and the backlog: due and not ended, of"
            " those that a client came to.",
            key=_key(told, panel),
            panels_in=_ARM_IN * len(panel.arms),
        )
        for row, (arm, each) in enumerate(zip(panel.arms, told, strict=True)):
            _draw_arm(figure, panel, arm, each, scales, frame.TOP_IN + row * _ARM_IN)
    return figure


def describe(panel: FaultPanel) -> str:
    """The chart in words: what became of the operations of each arm."""
    return f"{panel.fault}: {'; '.join(map(_in_words, panel.arms))}."


def _in_words(arm: FaultArm) -> str:
    injections = arm.availability.injections
    outcomes = sum((each.outcomes for each in injections), arm.availability.outcomes_before)
    counts = [f"{getattr(outcomes, outcome)} {LOOKS[outcome].name}" for outcome in OUTCOMES]
    return f"{arm.name}: {len(injections)} injections, {', '.join(counts)}, verdict {arm.verdict}"


def _draw_arm(
    figure: Figure,
    panel: FaultPanel,
    arm: FaultArm,
    over_time: OverTime,
    scales: _Scales,
    top_in: float,
) -> None:
    strips = []
    strip_in = top_in + _NAME_IN
    for height_in in (_LATENCY_IN, _GOODPUT_IN, _BACKLOG_IN):
        axes = frame.place(
            figure, left_in=_LEFT_IN, top_in=strip_in, width_in=_WIDTH_IN, height_in=height_in
        )
        axes.set_xlim(*scales.limits_s)
        axes.tick_params(labelsize=8, length=2)
        # The lowest one has the axis of all three.
        axes.xaxis.set_visible(False)
        _draw_faults(axes, arm, over_time)
        strips.append(axes)
        strip_in += height_in + _GAP_IN
    latency, goodput, backlog = strips
    _draw_points(latency, over_time, scales.limits_ms)
    _draw_goodput(goodput, arm, scales.goodput)
    _draw_backlog(backlog, arm, over_time, scales.backlog)
    backlog.xaxis.set_visible(True)
    backlog.xaxis.set_major_locator(MaxNLocator(12))
    backlog.set_xlabel("seconds since the block began", fontsize=8, labelpad=1)
    latency.set_title(
        f"    {fault_names.marked_name(panel, arm)}",
        fontsize=9.5,
        pad=5,
        color=fault_names.colour(arm),
    )
    frame.write_sample(
        latency,
        style.look_of(arm.strategy),
        level=1 + 0.11 / _LATENCY_IN,
        right_in=0.06 - _WIDTH_IN,
        fill=fault_names.fill(panel, arm),
    )


def _draw_faults(axes: Axes, arm: FaultArm, over_time: OverTime) -> None:
    """Shade each fault from its onset on, and mark when the server was back."""
    across = axes.get_xaxis_transform()
    bands = [(onset_s, healed_s - onset_s) for onset_s, healed_s in over_time.bands_s]
    axes.broken_barh(bands, (0, 1), transform=across, color=_BAND, linewidth=0, zorder=0.5)
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
        linestyle=(0, (3, 2)),
        zorder=1.5,
    )


def _draw_points(axes: Axes, over_time: OverTime, limits_ms: tuple[float, float]) -> None:
    low_ms, high_ms = limits_ms
    axes.set_yscale("log")
    axes.set_ylim(low_ms, high_ms)
    label_log_axis(axes.yaxis, limits_ms, length_in=_LATENCY_IN, points=8)
    axes.set_ylabel("latency, ms", fontsize=8)
    axes.yaxis.set_label_coords(-0.42 / _WIDTH_IN, 0.5)
    # The worst last, so on top.
    for number, outcome in enumerate(reversed(OUTCOMES)):
        points = over_time.points.get(outcome)
        if points is not None:
            _scatter(axes, outcome, points.due_s, points.latency_ms, 2 + 0.1 * number)
    edge = math.sqrt(_EDGE)
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


def _draw_goodput(axes: Axes, arm: FaultArm, highest: float) -> None:
    timeline = arm.availability.timeline
    rates = _goodput(arm)
    begins_s, bin_s = timeline.begins_ms / 1000, timeline.bin_ms / 1000
    edges_s = [begins_s + bin_s * number for number in range(len(rates) + 1)]
    axes.stairs(rates, edges_s, color=style.look_of(arm.strategy).colour, linewidth=1.2)
    if (offered := offered_per_s(arm)) is not None:
        axes.axhline(offered, color=style.FAINT, linewidth=0.8, linestyle=":")
    axes.set_ylim(0, highest)
    _label_counts(axes, "good/s")


def _draw_backlog(axes: Axes, arm: FaultArm, over_time: OverTime, highest: float) -> None:
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
    axes.yaxis.set_label_coords(-0.42 / _WIDTH_IN, 0.5)


def _goodput(arm: FaultArm) -> Sequence[float]:
    """Good operations per second of each bin; the last may be cut short, and tells nothing."""
    timeline = arm.availability.timeline
    return [good * 1000 / timeline.bin_ms for good in timeline.good[:-1]]


def _scales(panel: FaultPanel, told: Sequence[OverTime]) -> _Scales:
    latencies = [
        limit
        for each in told
        for points in each.points.values()
        for limit in (min(points.latency_ms), max(points.latency_ms))
    ]
    if not latencies:
        raise frame.NoDataError(f"no operation under {panel.fault} has ended")
    return _Scales(
        limits_s=(min(0.0, *(each.begins_s for each in told)), max(each.ends_s for each in told)),
        limits_ms=(min(latencies) / _EDGE**1.5, max(latencies) * _EDGE**1.5),
        goodput=_HEADROOM * max((*map(_most, panel.arms), 1.0)),
        backlog=_HEADROOM * max((*(max(each.backlog) for each in told), 1)),
    )


def _most(arm: FaultArm) -> float:
    return max(_goodput(arm), default=0.0)


def _key(told: Sequence[OverTime], panel: FaultPanel) -> list[Artist]:
    occurred = {outcome for each in told for outcome in each.points}
    occurred |= {"skipped" for each in told if each.skipped_s}
    occurred |= {"indeterminate" for each in told if each.endless_s}
    is_server_asked = any(
        each.server_ready_ms is not None
        for arm in panel.arms
        for each in arm.availability.injections
    )
    rate = "" if panel.offered_per_s is None else f", {panel.offered_per_s:g}/s"
    return [
        *points_key(occurred),
        Patch(facecolor=_BAND, label="fault, until healed"),
        *(
            [
                Line2D(
                    [], [], color=style.INK, linewidth=1, linestyle=(0, (3, 2)), label="server back"
                )
            ]
            if is_server_asked
            else []
        ),
        Line2D([], [], color=style.FAINT, linewidth=0.8, linestyle=":", label=f"offered{rate}"),
    ]
