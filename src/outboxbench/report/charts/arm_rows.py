"""Bars below each other, one an arm: its name and event loop on the left, its figures on the right.

Where a run has more tables than full panels have room for, small panels have the same rows.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final, NamedTuple

from matplotlib.ticker import MaxNLocator, StrMethodFormatter

from outboxbench.report import style
from outboxbench.report.charts import frame

if TYPE_CHECKING:
    from collections.abc import Iterable

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from outboxbench.analysis.comparable import ComparableArms
    from outboxbench.results.model import Arm

ROW_IN: Final = 0.32
_LEFT_IN: Final = frame.LEFT_IN + 2.2
WIDTH_IN: Final = frame.WIDTH_IN - _LEFT_IN - 2.4
"""Of the axes: what names and figures leave of the figure."""

_STRATEGY_IN: Final = 0.75
_LOOP_IN: Final = 0.67
_LONGEST_NAME: Final = 19


class Column(NamedTuple):
    """What stands right of the bars, so many inches right of the axes."""

    heading: str
    right_in: float


def place(figure: Figure, *, top_in: float, rows: int) -> Axes:
    """Add axes with room for so many bars."""
    axes = frame.place(
        figure, left_in=_LEFT_IN, top_in=top_in, width_in=WIDTH_IN, height_in=ROW_IN * rows
    )
    _set_rows(axes, rows)
    return axes


def write_row(
    axes: Axes,
    level: float,
    name: str,
    arm: Arm,
    figures: Iterable[tuple[Column, str]],
    verdict: Column,
    *,
    beside: str | None = None,
) -> None:
    """Write what stands beside the bar of an arm, at a level of the axes.

    Next to its name that is its event loop, unless something else tells it from the others.
    """
    colour = style.INK if arm.verdict == "pass" else style.ALARM
    write = partial(frame.write_beside, axes, level=level, colour=colour)
    write(frame.shortened(name, _LONGEST_NAME), left_in=_STRATEGY_IN, align="right")
    write(beside or arm.loop or "", left_in=_LOOP_IN, align="left")
    for column, text in figures:
        write(text, right_in=column.right_in, align="right")
    write(style.verdict_text(arm.verdict), right_in=verdict.right_in, align="left")


def write_heads(axes: Axes, level: float, figures: Iterable[Column], verdict: Column) -> None:
    """Write the headings of what stands right of the bars."""
    write = partial(frame.write_beside, axes, level=level, colour=style.FAINT)
    for column in figures:
        write(column.heading, right_in=column.right_in, align="right")
    write(verdict.heading, right_in=verdict.right_in, align="left")


def small_name(arms: ComparableArms, arm: Arm) -> str:
    """What the row of an arm is called in small panels."""
    return f"{arms.label(arm)} {arm.loop}"


def small_heading(arms: ComparableArms) -> str:
    """What stands above the small panels of the same work."""
    return f"{arms.workload}, {arms.profile} profile"


def set_small_axes(axes: Axes, *, rows: int, label: str) -> None:
    """Give the axes of a small panel, whose bars are drawn, their rows and few figures."""
    axes.set_xlim(left=0)
    _set_rows(axes, rows)
    axes.xaxis.set_major_locator(MaxNLocator(3))
    axes.xaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
    axes.set_xlabel(label, fontsize=8)


def _set_rows(axes: Axes, rows: int) -> None:
    """Have the first row on top; names stand where ticks would."""
    axes.set_ylim(rows - 0.5, -0.5)
    axes.set_yticks([])
