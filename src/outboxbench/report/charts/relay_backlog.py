"""How a backlog shrinks, and how small it stays: messages that wait, over time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator, StrMethodFormatter

from outboxbench.analysis.relay_panels import relay_panels
from outboxbench.report import style
from outboxbench.report.charts import frame, relay_names
from outboxbench.report.charts.data_table import DataTable
from outboxbench.report.charts.findings import sentence

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from outboxbench.analysis.relay_panels import RelayPanel
    from outboxbench.results.model import Run
    from outboxbench.results.relay import RelayArm, RelayBlock

TITLE = "Messages that wait"
SHOWS = "the backlog of each relay over time, in its median round"
NEEDS = "relays, whatever they did"
READING = (
    "The steeper a line falls, the faster a backlog is gone; under a steady rate a line that keeps"
    " rising is a relay that does not keep up."
)

PLAN_LINES: Final[dict[str, style.LineStyle]] = {
    "lease": "-",
    "delete": "--",
    "sharded": ":",
    "log": "-.",
}

_HEADING_IN = 0.6
_AXIS_IN = 0.8
_LEFT_IN = frame.LEFT_IN + 0.85
_NAMES_IN = 0.5
_DRAIN_WIDTH_IN = (
    frame.WIDTH_IN - _LEFT_IN - _NAMES_IN - relay_names.WIDTH_IN - relay_names.VERDICT_IN
)
_DRAIN_HEIGHT_IN = 2.3
_NAME_STEP_IN = 0.21

# Chains hardly differ in how they look, so that lines over each other would show nothing.
_COLUMNS = 3
_LONGEST_STRATEGY = 36
_GAP_IN = 0.35
_CHAIN_WIDTH_IN = (frame.WIDTH_IN - _LEFT_IN - frame.LEFT_IN - 2 * _GAP_IN) / _COLUMNS
_CHAIN_HEIGHT_IN = 0.75
_CHAIN_STEP_IN = 1.4
_CHAIN_TITLE_IN = 0.35


def draw(run: Run) -> Figure:
    """Draw one panel for each load.

    Raises NoDataError when no relay was measured.
    """
    panels = [
        panel
        for panel in (*relay_panels(run, "drain"), *relay_panels(run, "chain"))
        if _measured(panel)
    ]
    if not panels:
        raise frame.NoDataError("no relay was measured")
    with style.applied():
        figure = frame.new_figure(
            frame.Footer.of_run(run),
            title=TITLE,
            subtitle="Committed and not delivered yet, in the round with the median rate;\n"
            "a drain is over where its line ends.",
            key=_key(panels),
            panels_in=sum(_height_in(panel) for panel in panels),
        )
        top_in = frame.TOP_IN
        for panel in panels:
            frame.write_heading(figure, panel.title, panel.settings_text, at_in=top_in)
            draw_panel = _draw_drains if panel.scenario == "drain" else _draw_chains
            draw_panel(figure, panel, top_in + _HEADING_IN)
            top_in += _height_in(panel)
    return figure


def describe(run: Run) -> str:
    """The chart in words: how long each drain took, and the largest backlog of each chain."""
    drains = [
        f"{arm.name} took {_median_round(arm).seconds:.1f} s, verdict {arm.verdict}"
        for arm in run.relays
        if arm.scenario == "drain" and arm.blocks
    ]
    chains = [
        f"{arm.name} had at most {_most_waiting(arm)} waiting, verdict {arm.verdict}"
        for arm in run.relays
        if arm.scenario == "chain" and arm.blocks
    ]
    return "; ".join((*drains, *chains)) + "."


def finding(run: Run) -> str:
    """Say which drain ended first, and where most messages waited under a steady rate."""
    measured = [arm for arm in run.relays if arm.blocks]
    drains = sorted(
        (arm for arm in measured if arm.scenario == "drain"),
        key=lambda arm: _median_round(arm).seconds,
    )
    chains = sorted((arm for arm in measured if arm.scenario == "chain"), key=_most_waiting)
    parts = []
    if drains:
        parts.append(
            f"in its median round {drains[0].name} was done first, after"
            f" {_median_round(drains[0]).seconds:.1f} s, and {drains[-1].name} last, after"
            f" {_median_round(drains[-1]).seconds:.1f} s"
        )
    if chains:
        parts.append(
            f"under a steady rate most messages waited for {chains[-1].name}"
            f" ({_most_waiting(chains[-1]):,}), fewest for {chains[0].name}"
            f" ({_most_waiting(chains[0]):,})"
        )
    text = sentence(parts)
    return text[0].upper() + text[1:]


def data(run: Run) -> DataTable:
    """The median round of every relay; its backlog is told by its most and its last."""
    return DataTable(
        columns=(
            *("relay", "load", "length, s", "messages/s"),
            *("most waiting, messages", "waiting at the end, messages", "verdict"),
        ),
        rows=tuple(
            (
                *(arm.name, arm.scenario, block.seconds, block.delivered_per_s),
                *(_most_waiting(arm), block.backlog[-1] if block.backlog else None, arm.verdict),
            )
            for arm in run.relays
            if arm.blocks
            for block in (_median_round(arm),)
        ),
    )


def _most_waiting(arm: RelayArm) -> int:
    return max(_median_round(arm).backlog, default=0)


def _height_in(panel: RelayPanel) -> float:
    if panel.scenario == "drain":
        return _HEADING_IN + _drain_height_in(panel) + _AXIS_IN
    return _HEADING_IN + _CHAIN_STEP_IN * -(-len(_measured(panel)) // _COLUMNS) + _AXIS_IN


def _drain_height_in(panel: RelayPanel) -> float:
    return max(_DRAIN_HEIGHT_IN, _NAME_STEP_IN * len(_measured(panel)))


def _draw_drains(figure: Figure, panel: RelayPanel, top_in: float) -> None:
    height_in = _drain_height_in(panel)
    axes = frame.place(
        figure, left_in=_LEFT_IN, top_in=top_in, width_in=_DRAIN_WIDTH_IN, height_in=height_in
    )
    axes.yaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
    axes.set_xlabel("seconds", fontsize=9)
    axes.set_ylabel("messages waiting", fontsize=9)
    for row, arm in enumerate(_measured(panel)):
        _draw_backlog(axes, arm)
        level = 1 - (row + 0.5) * _NAME_STEP_IN / height_in
        frame.write_beside(
            axes,
            relay_names.whole_name(panel, arm) + relay_names.doubt(arm),
            level=level,
            right_in=_NAMES_IN,
            align="left",
            colour=relay_names.colour(arm),
            size=relay_names.SIZE,
        )
        axes.plot(
            [1 + 0.1 / _DRAIN_WIDTH_IN, 1 + 0.42 / _DRAIN_WIDTH_IN],
            [level, level],
            transform=axes.transAxes,
            clip_on=False,
            color=style.look_of(arm.strategy).colour,
            linestyle=PLAN_LINES.get(arm.plan, "-"),
            linewidth=1.6,
        )
    axes.set_xlim(left=0)
    axes.set_ylim(bottom=0)


def _draw_chains(figure: Figure, panel: RelayPanel, top_in: float) -> None:
    measured = _measured(panel)
    most = max(map(_most_waiting, measured))
    for number, arm in enumerate(measured):
        row, column = divmod(number, _COLUMNS)
        axes = frame.place(
            figure,
            left_in=_LEFT_IN + column * (_CHAIN_WIDTH_IN + _GAP_IN),
            top_in=top_in + _CHAIN_TITLE_IN + row * _CHAIN_STEP_IN,
            width_in=_CHAIN_WIDTH_IN,
            height_in=_CHAIN_HEIGHT_IN,
        )
        axes.set_title(
            f"{frame.shortened(arm.strategy, _LONGEST_STRATEGY)}\n"
            f"{relay_names.details(panel, arm)}{relay_names.doubt(arm)}",
            fontsize=relay_names.SIZE,
            weight="normal",
            color=relay_names.colour(arm),
        )
        _draw_backlog(axes, arm)
        axes.set_xlim(0, _median_round(arm).seconds)
        axes.set_ylim(0, 1.1 * max(most, 1))
        axes.yaxis.set_major_locator(MaxNLocator(3, integer=True))
        axes.tick_params(labelleft=column == 0)
        if column == 0:
            axes.set_ylabel("messages\nwaiting", fontsize=9)
        if number + _COLUMNS >= len(measured):
            axes.set_xlabel("seconds of the window", fontsize=9)


def _draw_backlog(axes: Axes, arm: RelayArm) -> None:
    block = _median_round(arm)
    step_s = block.backlog_interval_s or 0.0
    axes.plot(
        [step_s * (number + 1) for number in range(len(block.backlog))],
        block.backlog,
        color=style.look_of(arm.strategy).colour,
        linestyle=PLAN_LINES.get(arm.plan, "-"),
        linewidth=1.6,
    )


def _measured(panel: RelayPanel) -> list[RelayArm]:
    return [arm for arm in panel.arms if arm.blocks]


def _key(panels: Sequence[RelayPanel]) -> Sequence[Artist]:
    plans = {arm.plan for panel in panels for arm in panel.arms}
    return [
        Line2D([], [], linestyle=line, linewidth=1.6, color=style.FAINT, label=f"plan {plan}")
        for plan, line in PLAN_LINES.items()
        if plan in plans
    ]


def _median_round(arm: RelayArm) -> RelayBlock:
    ordered = sorted(arm.blocks, key=lambda block: block.delivered_per_s)
    return ordered[len(ordered) // 2]
