"""A fault as it was lived through: every operation, goodput and backlog over time, arm by arm."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator

from outboxbench.analysis.fault_panels import OUTCOMES, due_in_spans
from outboxbench.report import style
from outboxbench.report.charts import fault_names, fault_strips, frame
from outboxbench.report.charts.data_table import DataTable
from outboxbench.report.charts.outcome_looks import LOOKS, points_key

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from matplotlib.artist import Artist
    from matplotlib.figure import Figure

    from outboxbench.analysis.fault_panels import FaultPanel
    from outboxbench.analysis.history.over_time import OverTime
    from outboxbench.results.block import OutcomeCounts
    from outboxbench.results.faults import FaultArm
    from outboxbench.results.model import Run

TITLE = "Through a fault"
SHOWS = "every operation, goodput and backlog over time, a figure for each fault"
NEEDS = "a strategy that went through a fault, with its history"
READING = (
    "From the onset of a shaded fault, see how long goodput stays down, what the backlog grows to,"
    " and how long it takes until both are as before."
)

_NAME_IN: Final = 0.3
_GOODPUT_IN: Final = 0.55
_BACKLOG_IN: Final = 0.55
_GAP_IN: Final = 0.12
_AXIS_IN: Final = 0.5
_ARM_IN: Final = (
    _NAME_IN + fault_strips.LATENCY_IN + _GOODPUT_IN + _BACKLOG_IN + 2 * _GAP_IN + _AXIS_IN
)
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


def describe(run: Run, panel: FaultPanel, over_time: Mapping[str, OverTime]) -> str:
    """The chart in words: what became of the operations of each arm."""
    del run, over_time
    return f"{panel.fault}: {'; '.join(map(_in_words, panel.arms))}."


def finding(run: Run, panel: FaultPanel, over_time: Mapping[str, OverTime]) -> str:
    """Say which arm lost the smallest share of its operations from the first onset on."""
    del run, over_time
    lost = sorted(
        (
            (1 - due.good / due.attempted, arm.name)
            for arm in panel.arms
            if (due := due_in_spans(arm)).attempted
        ),
    )
    if not lost:
        return f"No operation was due after the onset of {panel.fault}."
    (least, best), (most, worst) = lost[0], lost[-1]
    injections = min(len(arm.availability.injections) for arm in panel.arms)
    times = "a single injection" if injections == 1 else f"{injections} injections"
    told = f"Of what was due from the first onset of {panel.fault} on, {best} lost {least:.2%}"
    other = "" if len(lost) == 1 else f" and {worst} {most:.2%}"
    return f"{told}{other}, in {times} of each, so small differences may be chance."


def data(run: Run, panel: FaultPanel, over_time: Mapping[str, OverTime]) -> DataTable:
    """What became of the operations of each arm, before the first onset and from it on."""
    del run
    return DataTable(
        columns=(
            *("fault", "arm", "injections", "largest backlog, operations"),
            *(f"{LOOKS[outcome].name}, operations" for outcome in OUTCOMES),
            "verdict",
        ),
        rows=tuple(
            (
                *(panel.fault, arm.name, len(arm.availability.injections)),
                max(over_time[arm.name].backlog, default=0),
                *(getattr(_outcomes(arm), outcome) for outcome in OUTCOMES),
                arm.verdict,
            )
            for arm in panel.arms
        ),
    )


def _outcomes(arm: FaultArm) -> OutcomeCounts:
    injections = arm.availability.injections
    return sum((each.outcomes for each in injections), arm.availability.outcomes_before)


def _in_words(arm: FaultArm) -> str:
    injections, outcomes = arm.availability.injections, _outcomes(arm)
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
    for height_in in (fault_strips.LATENCY_IN, _GOODPUT_IN, _BACKLOG_IN):
        axes = frame.place(
            figure,
            left_in=fault_strips.LEFT_IN,
            top_in=strip_in,
            width_in=fault_strips.WIDTH_IN,
            height_in=height_in,
        )
        axes.set_xlim(*scales.limits_s)
        axes.tick_params(labelsize=8, length=2)
        # The lowest one has the axis of all three.
        axes.xaxis.set_visible(False)
        fault_strips.draw_faults(axes, arm, over_time)
        strips.append(axes)
        strip_in += height_in + _GAP_IN
    latency, goodput, backlog = strips
    fault_strips.draw_points(latency, over_time, scales.limits_ms)
    fault_strips.draw_goodput(goodput, arm, scales.goodput)
    fault_strips.draw_backlog(backlog, arm, over_time, scales.backlog)
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
        level=1 + 0.11 / fault_strips.LATENCY_IN,
        right_in=0.06 - fault_strips.WIDTH_IN,
        fill=fault_names.fill(panel, arm),
    )


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
        limits_ms=(
            min(latencies) / fault_strips.EDGE**1.5,
            max(latencies) * fault_strips.EDGE**1.5,
        ),
        goodput=_HEADROOM * max((*map(_most, panel.arms), 1.0)),
        backlog=_HEADROOM * max((*(max(each.backlog) for each in told), 1)),
    )


def _most(arm: FaultArm) -> float:
    return max(fault_strips.goodput(arm), default=0.0)


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
        Patch(facecolor=fault_strips.BAND, label="fault, until healed"),
        *(
            [
                Line2D(
                    [],
                    [],
                    color=style.INK,
                    linewidth=1,
                    linestyle=fault_strips.SERVER_BACK,
                    label="server back",
                )
            ]
            if is_server_asked
            else []
        ),
        Line2D([], [], color=style.FAINT, linewidth=0.8, linestyle=":", label=f"offered{rate}"),
    ]
