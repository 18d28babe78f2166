"""Distributions of latencies: a row for each comparable set of arms, a panel for each event loop.

Ceilings have no event loop, and so their lines stand in every panel of a row.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final, Generic, Protocol, TypeVar

from outboxbench.analysis.comparable import comparable_arms
from outboxbench.report import style
from outboxbench.report.charts import frame, grid, strategy_key

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from outboxbench.analysis.comparable import ComparableArms
    from outboxbench.results.document import Loop
    from outboxbench.results.model import Arm, Run

_LOOPS: Final[tuple[Loop, ...]] = ("asyncio", "uvloop")
_KEY_IN: Final = 0.35
"""How far above the panels of a grid the names of strategies begin."""


class OfAnArm(Protocol):
    """A line of a chart."""

    @property
    def arm(self) -> Arm:
        """What was measured."""


Line = TypeVar("Line", bound=OfAnArm)


@dataclass(frozen=True, slots=True)
class LoopRow(Generic[Line]):
    """The lines of arms that may be compared, ceilings first."""

    arms: ComparableArms
    lines: Sequence[Line]

    @property
    def loops(self) -> list[Loop]:
        """Those that an arm ran on."""
        return [loop for loop in _LOOPS if any(line.arm.loop == loop for line in self.lines)]

    def of(self, loop: Loop) -> list[Line]:
        """The lines of one event loop, and those of the ceilings."""
        return [line for line in self.lines if line.arm.loop in {loop, None}]


def how_operations_come(rows: Sequence[LoopRow[Line]]) -> str:
    """Say what latencies hold: of a closed loop no queueing, of an open one all of it."""
    open_loops = sum("rate" in row.arms.settings for row in rows)
    if open_loops == len(rows):
        return (
            "Open loop: a latency runs from when the operation was due, so waiting for a free"
            " client is part of it."
        )
    where = "Where no rate is named," if open_loops else "Closed loop:"
    return (
        f"{where} a client waits for its answer before it sends again, so queueing is hidden."
        " Compare arms, do not promise these latencies."
    )


def loop_rows(
    run: Run, lines_of: Callable[[ComparableArms], Sequence[Line]]
) -> list[LoopRow[Line]]:
    """A row for each comparable set of arms; none where only ceilings have a line."""
    rows = (LoopRow(arms, lines_of(arms)) for arms in comparable_arms(run))
    return [row for row in rows if any(line.arm.role == "strategy" for line in row.lines)]


@dataclass(frozen=True, slots=True)
class RowDrawing(Generic[Line]):
    """How a chart draws its rows.

    Args:
        height_in: what a row of full panels takes.
        draw_row: draws these, from so many inches below the upper edge of the figure on.
        draw_small: draws what a small panel shows of one event loop.
    """

    height_in: Callable[[LoopRow[Line]], float]
    draw_row: Callable[[Figure, LoopRow[Line], float], None]
    draw_small: Callable[[LoopRow[Line], Loop, Axes], None]


def draw_rows(
    run: Run, rows: Sequence[LoopRow[Line]], how: RowDrawing[Line], *, title: str, subtitle: str
) -> Figure:
    """Draw the rows below each other, or as a grid of small panels where they are too many."""
    full_in = sum(how.height_in(row) for row in rows)
    arms = [line.arm for row in rows for line in row.lines]
    with style.applied():
        if full_in > grid.TALLEST_IN:
            return _draw_grid(run, rows, how, arms, title=title, subtitle=subtitle)
        figure = frame.new_figure(
            frame.Footer.of_run(run),
            title=title,
            subtitle=subtitle,
            key=style.key(arms),
            panels_in=full_in,
        )
        top_in = frame.TOP_IN
        for row in rows:
            how.draw_row(figure, row, top_in)
            top_in += how.height_in(row)
    return figure


def _draw_grid(
    run: Run,
    rows: Sequence[LoopRow[Line]],
    how: RowDrawing[Line],
    arms: Sequence[Arm],
    *,
    title: str,
    subtitle: str,
) -> Figure:
    small = [panel for row in rows for panel in _small_panels(row, how)]
    looks = {arm.strategy: style.look(arm) for arm in arms}
    below_key_in = strategy_key.height_in(looks) - _KEY_IN
    figure = frame.new_figure(
        frame.Footer.of_run(run),
        title=title,
        subtitle=subtitle,
        key=(),
        panels_in=below_key_in + grid.height_in(small),
    )
    strategy_key.write(figure, looks, top_in=frame.TOP_IN - _KEY_IN, is_stroked=True)
    grid.draw_grid(figure, small, top_in=frame.TOP_IN + below_key_in)
    return figure


def _small_panels(row: LoopRow[Line], how: RowDrawing[Line]) -> Iterator[grid.Small]:
    for loop in row.loops:
        yield grid.Small(
            heading=f"{row.arms.workload}, {row.arms.profile} profile, {loop}",
            arms=row.arms,
            rows={},
            doubtful=frozenset(),
            draw=partial(_draw_small, how, row, loop),
        )


def _draw_small(
    how: RowDrawing[Line], row: LoopRow[Line], loop: Loop, axes: Axes, names: Sequence[str]
) -> None:
    # A panel of lines has no rows that would be named.
    del names
    how.draw_small(row, loop, axes)
