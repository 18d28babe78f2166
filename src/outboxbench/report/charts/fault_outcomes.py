"""What became of operations under faults: a bar of outcomes for each arm, the bad ones first."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from matplotlib.ticker import FixedLocator, PercentFormatter

from outboxbench.analysis.fault_panels import (
    OUTCOMES,
    due_in_spans,
    fault_panels,
    shares_to_draw,
)
from outboxbench.report import style
from outboxbench.report.charts import fault_names, frame
from outboxbench.report.charts.outcome_looks import LOOKS, bars_key

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from outboxbench.analysis.fault_panels import FaultPanel
    from outboxbench.results.block import OutcomeCounts
    from outboxbench.results.faults import FaultArm
    from outboxbench.results.model import Run

TITLE = "What became of operations"
SHOWS = "outcomes of the operations that were due from the first onset on"

LEAST_SHARE: Final = 0.006
"""What occurred at all is drawn so wide: some three pixels."""

_ROW_IN: Final = 0.25
_HEADING_IN: Final = 0.45
_AXIS_IN: Final = 0.7
_SAMPLE_IN: Final = 0.28
_COUNTS_IN: Final = 3.8
_COUNT_IN: Final = 0.73


def draw(run: Run) -> Figure:
    """Draw a panel for each fault, with a bar for each arm and its counts beside it.

    Raises NoDataError when no operation was due after an onset.
    """
    panels = [panel for panel in fault_panels(run) if _measured(panel)]
    if not panels:
        raise frame.NoDataError("no operation was due after the onset of a fault")
    with style.applied():
        figure = frame.new_figure(
            fault_names.footer(run),
            title=TITLE,
            subtitle="Of the operations due from the first onset to the end; less colour is better."
            " In doubt: nobody can tell; recovered: in doubt, then found by op_id.\nWhat occurred"
            f" at all is drawn {LEAST_SHARE:.1%} wide or wider, so that a single one is seen; the"
            " counts are exact.",
            key=bars_key(),
            panels_in=sum(_height_in(panel) for panel in panels),
        )
        names_in = _SAMPLE_IN + fault_names.width_in(
            fault_names.marked_name(panel, arm) for panel in panels for arm in panel.arms
        )
        top_in = frame.TOP_IN
        for panel in panels:
            _draw_panel(figure, panel, top_in, names_in)
            top_in += _height_in(panel)
    return figure


def describe(run: Run) -> str:
    """The chart in words: the counts of each arm."""
    return " ".join(
        f"{panel.fault}: {'; '.join(_in_words(panel, arm) for arm in _measured(panel))}."
        for panel in fault_panels(run)
        if _measured(panel)
    )


def _in_words(panel: FaultPanel, arm: FaultArm) -> str:
    counts = due_in_spans(arm)
    told = [f"{getattr(counts, outcome)} {LOOKS[outcome].name}" for outcome in OUTCOMES]
    return f"{panel.label(arm)}, verdict {arm.verdict}: {', '.join(told)}"


def _measured(panel: FaultPanel) -> list[FaultArm]:
    return [arm for arm in panel.arms if due_in_spans(arm).attempted]


def _height_in(panel: FaultPanel) -> float:
    return _HEADING_IN + _ROW_IN * len(_measured(panel)) + _AXIS_IN


def _draw_panel(figure: Figure, panel: FaultPanel, top_in: float, names_in: float) -> None:
    arms = _measured(panel)
    frame.write_heading(figure, panel.fault, "", at_in=top_in)
    axes = frame.place(
        figure,
        left_in=frame.LEFT_IN + names_in,
        top_in=top_in + _HEADING_IN,
        width_in=frame.WIDTH_IN - 2 * frame.LEFT_IN - names_in - _COUNTS_IN,
        height_in=_ROW_IN * len(arms),
    )
    axes.set_xlim(0, 1)
    axes.set_ylim(len(arms) - 0.5, -0.5)
    axes.set_yticks([])
    axes.grid(visible=False, axis="y")
    axes.xaxis.set_major_locator(FixedLocator([0, 0.25, 0.5, 0.75, 1]))
    axes.xaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    axes.tick_params(labelsize=9)
    axes.set_xlabel("of operations due", fontsize=9)
    above = 1 + 0.5 * _ROW_IN / (_ROW_IN * len(arms))
    for column, outcome in enumerate(OUTCOMES):
        _write_count(axes, column, LOOKS[outcome].name, level=above, colour=style.FAINT)
    for row, arm in enumerate(arms):
        counts = due_in_spans(arm)
        level = 1 - (row + 0.5) / len(arms)
        _draw_bar(axes, row, counts)
        _write_name(axes, panel, arm, level=level)
        for column, outcome in enumerate(OUTCOMES):
            count = getattr(counts, outcome)
            is_bad = count and outcome not in ("ok", "ok_recovered")
            _write_count(
                axes,
                column,
                f"{count:,}",
                level=level,
                colour=LOOKS[outcome].colour if is_bad else style.INK if count else style.FAINT,
                weight="bold" if is_bad else "normal",
            )


def _draw_bar(axes: Axes, row: int, counts: OutcomeCounts) -> None:
    left = 0.0
    for outcome, share in shares_to_draw(counts, least=LEAST_SHARE).items():
        look = LOOKS[outcome]
        axes.barh(
            row,
            share,
            left=left,
            height=0.62,
            color=look.colour,
            hatch=look.hatch,
            edgecolor="white",
            linewidth=0,
            label=look.name,
        )
        left += share


def _write_name(axes: Axes, panel: FaultPanel, arm: FaultArm, *, level: float) -> None:
    frame.write_beside(
        axes,
        fault_names.marked_name(panel, arm),
        level=level,
        left_in=_SAMPLE_IN,
        align="right",
        colour=fault_names.colour(arm),
        size=fault_names.SIZE,
    )
    frame.write_sample(
        axes,
        style.look_of(arm.strategy),
        level=level,
        right_in=-axes.get_position().width * frame.WIDTH_IN - _SAMPLE_IN / 2,
        fill=fault_names.fill(panel, arm),
    )


def _write_count(
    axes: Axes, column: int, text: str, *, level: float, colour: str, weight: str = "normal"
) -> None:
    frame.write_beside(
        axes,
        text,
        level=level,
        right_in=0.15 + _COUNT_IN * (column + 1),
        align="right",
        colour=colour,
        weight=weight,
        size=fault_names.SIZE,
    )
