"""What stands right of axes with lines: each line's name, its figure and its verdict."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Literal, NamedTuple

from outboxbench.report import style
from outboxbench.report.charts import frame

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from outboxbench.results.document import Verdict


class Columns(NamedTuple):
    """Where it stands, in inches right of the axes, and how long a name may be, in characters."""

    sample_in: float
    name_in: float
    longest_name: int
    figure_in: float
    verdict_in: float
    figure_align: Literal["left", "right"] = "right"


def write_line_name(
    axes: Axes,
    columns: Columns,
    look: style.StrategyLook,
    *,
    level: float,
    name: str,
    figure: str,
    verdict: Verdict,
) -> None:
    """Name a line at a level of the axes, 0 their bottom and 1 their top."""
    frame.write_sample(axes, look, level=level, right_in=columns.sample_in)
    colour = style.INK if verdict == "pass" else style.ALARM
    write = partial(frame.write_beside, axes, level=level, colour=colour)
    write(frame.shortened(name, columns.longest_name), right_in=columns.name_in, align="left")
    write(figure, right_in=columns.figure_in, align=columns.figure_align)
    write(style.verdict_text(verdict), right_in=columns.verdict_in, align="left")


def write_heads(axes: Axes, columns: Columns, *, level: float, figure: str) -> None:
    """Say what the figures are, and where the verdicts stand."""
    write = partial(frame.write_beside, axes, level=level, colour=style.FAINT)
    write(figure, right_in=columns.figure_in, align=columns.figure_align)
    write("verdict", right_in=columns.verdict_in, align="left")
