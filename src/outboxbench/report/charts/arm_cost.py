"""What an operation costs the processors: client and server of each arm, one upon the other."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final, NamedTuple

from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator, StrMethodFormatter

from outboxbench.analysis.comparable import comparable_arms
from outboxbench.report import style
from outboxbench.report.charts import frame, grid
from outboxbench.report.charts.data_table import DataTable
from outboxbench.report.charts.findings import overlap, sentence
from outboxbench.report.charts.stacked_bars import Part, draw_stack, parts_key
from outboxbench.report.numbers import three_digits

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from outboxbench.analysis.comparable import ComparableArms
    from outboxbench.results.block import Counters
    from outboxbench.results.model import Arm, Run

TITLE = "What an operation costs"
SHOWS = "CPU time of client and server for one operation of each arm, with the range of its rounds"
NEEDS = "a strategy whose CPU time could be counted, on either side"
READING = (
    "Shorter bars leave more of the machine to others; where the whiskers of two bars cover the"
    " same stretch, the order may be chance."
)

_ROW_IN: Final = 0.32
_WHISKER_ROWS: Final = 0.26
_HEADING_IN: Final = 0.8
_AXIS_IN: Final = 0.72
_STRATEGY_IN: Final = 0.75
_LOOP_IN: Final = 0.67
_CLIENT_IN: Final = 0.7
_SERVER_IN: Final = 1.45
_VERDICT_IN: Final = 1.6
_LONGEST_NAME: Final = 19
_LEFT_IN: Final = frame.LEFT_IN + 2.2
_WIDTH_IN: Final = frame.WIDTH_IN - _LEFT_IN - 2.4

_PARTS: Final = (
    Part("client_cpu_us_per_op", "client CPU", "#0072B2", "white"),
    Part("server_cpu_us_per_op", "server CPU", "#D55E00", "white", "////"),
)


class _Row(NamedTuple):
    """An arm: the medians of its parts, and the least and the most of their sum over the rounds."""

    arm: Arm
    name: str
    client_us: float | None
    server_us: float | None
    least_us: float
    most_us: float
    rounds: int

    @property
    def total_us(self) -> float:
        return (self.client_us or 0) + (self.server_us or 0)


class _Panel(NamedTuple):
    arms: ComparableArms
    rows: list[_Row]

    @property
    def height_in(self) -> float:
        return _HEADING_IN + _ROW_IN * len(self.rows) + _AXIS_IN


def draw(run: Run) -> Figure:
    """Draw one panel for each comparable set of arms, the cheapest arm on top.

    Raises NoDataError when no CPU time of a strategy is known.
    """
    panels = _panels(run)
    if not panels:
        raise frame.NoDataError("no CPU time of client or server was counted")
    full_in = sum(panel.height_in for panel in panels)
    small = [_small(panel) for panel in panels] if full_in > grid.TALLEST_IN else []
    with style.applied():
        figure = frame.new_figure(
            frame.Footer.of_run(run),
            title=TITLE,
            subtitle="CPU time of one attempted operation, µs; shorter is better. Bars are the"
            " medians of an arm's rounds,\nwhiskers go from its cheapest round to its dearest."
            " Round trips and WAL are not counted under load: `outboxbench cost` counts them.",
            key=[
                *parts_key(_PARTS),
                Line2D([], [], color=style.INK, marker="|", linewidth=1.2, label="all rounds"),
            ],
            panels_in=grid.height_in(small) if small else full_in,
        )
        if small:
            grid.draw_grid(figure, small, top_in=frame.TOP_IN)
        else:
            _draw_panels(figure, panels)
    return figure


def _draw_panels(figure: Figure, panels: Sequence[_Panel]) -> None:
    top_in = frame.TOP_IN
    for panel in panels:
        frame.write_heading(figure, panel.arms.title, panel.arms.settings_text, at_in=top_in)
        axes = frame.place(
            figure,
            left_in=_LEFT_IN,
            top_in=top_in + _HEADING_IN,
            width_in=_WIDTH_IN,
            height_in=_ROW_IN * len(panel.rows),
        )
        _draw_panel(axes, panel)
        top_in += panel.height_in


def describe(run: Run) -> str:
    """The chart in words: both parts of every arm, cheapest first."""
    return " ".join(
        f"{panel.arms.title}: "
        + "; ".join(
            f"{row.name} {row.arm.loop} client {three_digits(row.client_us)} µs, server"
            f" {three_digits(row.server_us)} µs, verdict {row.arm.verdict}"
            for row in panel.rows
        )
        + "."
        for panel in _panels(run)
    )


def finding(run: Run) -> str:
    """Say which arm is cheapest and which dearest, and whether their rounds overlap."""
    return sentence([_cheapest(panel) for panel in _panels(run)])


def data(run: Run) -> DataTable:
    """The bars with their whiskers."""
    return DataTable(
        columns=(
            *("arms", "settings", "strategy", "loop", "client CPU, µs/op", "server CPU, µs/op"),
            *("least sum, µs/op", "greatest sum, µs/op", "rounds", "verdict"),
        ),
        rows=tuple(
            (
                *(panel.arms.title, panel.arms.settings_text, row.name, row.arm.loop),
                *(row.client_us, row.server_us, row.least_us, row.most_us, row.rounds),
                row.arm.verdict,
            )
            for panel in _panels(run)
            for row in panel.rows
        ),
    )


def _panels(run: Run) -> list[_Panel]:
    panels = []
    for arms in comparable_arms(run):
        rows = [row for arm in arms.strategies if (row := _row(arms, arm)) is not None]
        if rows:
            panels.append(_Panel(arms, sorted(rows, key=lambda row: row.total_us)))
    return panels


def _row(arms: ComparableArms, arm: Arm) -> _Row | None:
    sums_us = [total for block in arm.blocks if (total := _sum_us(block.counters)) is not None]
    if arm.summary is None or not sums_us:
        return None
    return _Row(
        arm=arm,
        name=arms.label(arm),
        client_us=arm.summary.client_cpu_us_per_op,
        server_us=arm.summary.server_cpu_us_per_op,
        least_us=min(sums_us),
        most_us=max(sums_us),
        rounds=len(sums_us),
    )


def _sum_us(counters: Counters) -> float | None:
    """Of the sides that are known: which these are is the same for all blocks of a run."""
    known = (counters.client_cpu_us_per_op, counters.server_cpu_us_per_op)
    return None if known == (None, None) else sum(each for each in known if each is not None)


def _cheapest(panel: _Panel) -> str:
    cheapest, dearest = panel.rows[0], panel.rows[-1]
    told = f"{panel.arms.title}: an operation takes least CPU with {_told(cheapest)}"
    if cheapest is dearest:
        return told
    overlaps = overlap((cheapest.least_us, cheapest.most_us), (dearest.least_us, dearest.most_us))
    return (
        f"{told}, and most with {_told(dearest)}; their rounds"
        f" {'overlap' if overlaps else 'do not overlap'}"
    )


def _told(row: _Row) -> str:
    client = (
        "" if row.client_us is None else f", {three_digits(row.client_us)} of them the client's"
    )
    return f"{row.name} {row.arm.loop}, {three_digits(row.total_us)} µs{client}"


def _draw_panel(axes: Axes, panel: _Panel) -> None:
    axes.set_xlim(0, 1.03 * max(max(row.most_us, row.total_us) for row in panel.rows) or 1)
    axes.set_ylim(len(panel.rows) - 0.5, -0.5)
    axes.set_yticks([])
    axes.xaxis.set_major_locator(MaxNLocator(nbins=7, steps=[1, 2, 2.5, 5, 10]))
    axes.xaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
    axes.set_xlabel("CPU time, µs per attempted operation", fontsize=9)
    for number, row in enumerate(panel.rows):
        values = list(zip(_PARTS, (row.client_us, row.server_us), strict=True))
        draw_stack(axes, number, values, width_in=_WIDTH_IN, trusted=row.arm.verdict == "pass")
        _write_row(axes, 1 - (number + 0.5) / len(panel.rows), row)
    # Below the figures that stand in the bars.
    _draw_whiskers(axes, list(enumerate(panel.rows)), offset=_WHISKER_ROWS)
    _write_column_heads(axes, 1 + 0.35 / len(panel.rows))


def _draw_whiskers(axes: Axes, rows: Sequence[tuple[int, _Row]], *, offset: float) -> None:
    axes.errorbar(
        [row.total_us for _, row in rows],
        [number + offset for number, _ in rows],
        # The sum of two medians may lie beside all sums.
        xerr=[
            [max(row.total_us - row.least_us, 0) for _, row in rows],
            [max(row.most_us - row.total_us, 0) for _, row in rows],
        ],
        linestyle="none",
        color=style.INK,
        elinewidth=1,
        capsize=2 if offset else 0,
    )


def _small(panel: _Panel) -> grid.Small:
    by_name = {f"{row.name} {row.arm.loop}": row for row in panel.rows}
    return grid.Small(
        heading=f"{panel.arms.workload}, {panel.arms.profile} profile",
        arms=panel.arms,
        rows={name: row.total_us for name, row in by_name.items()},
        doubtful=frozenset(name for name, row in by_name.items() if row.arm.verdict != "pass"),
        draw=partial(_draw_small, by_name),
    )


def _draw_small(by_name: Mapping[str, _Row], axes: Axes, names: Sequence[str]) -> None:
    shown = [(number, by_name[name]) for number, name in enumerate(names) if name in by_name]
    numbers = [number for number, _ in shown]
    trusted = [row.arm.verdict == "pass" for _, row in shown]
    clients = [row.client_us or 0 for _, row in shown]
    for part, values, left in (
        (_PARTS[0], clients, [0.0] * len(shown)),
        (_PARTS[1], [row.server_us or 0 for _, row in shown], clients),
    ):
        axes.barh(
            numbers,
            values,
            left=left,
            height=0.7,
            color=[part.colour if passed else "white" for passed in trusted],
            edgecolor=["white" if passed else style.ALARM for passed in trusted],
            hatch=[part.hatch if passed else style.DOUBT_HATCH for passed in trusted],
            linewidth=0,
        )
    _draw_whiskers(axes, shown, offset=0)
    axes.set_xlim(left=0)
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.set_yticks([])
    axes.xaxis.set_major_locator(MaxNLocator(3))
    axes.xaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
    axes.set_xlabel("CPU, µs/op", fontsize=8)


def _write_row(axes: Axes, level: float, row: _Row) -> None:
    colour = style.INK if row.arm.verdict == "pass" else style.ALARM
    write = partial(frame.write_beside, axes, level=level, colour=colour)
    write(frame.shortened(row.name, _LONGEST_NAME), left_in=_STRATEGY_IN, align="right")
    write(row.arm.loop or "", left_in=_LOOP_IN, align="left")
    write(three_digits(row.client_us), right_in=_CLIENT_IN, align="right")
    write(three_digits(row.server_us), right_in=_SERVER_IN, align="right")
    write(style.verdict_text(row.arm.verdict), right_in=_VERDICT_IN, align="left")


def _write_column_heads(axes: Axes, level: float) -> None:
    write = partial(frame.write_beside, axes, level=level, colour=style.FAINT)
    write("client µs", right_in=_CLIENT_IN, align="right")
    write("server µs", right_in=_SERVER_IN, align="right")
    write("verdict", right_in=_VERDICT_IN, align="left")
