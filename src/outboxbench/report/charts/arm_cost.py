"""What an operation costs the processors: client and server of each arm, one upon the other."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator, StrMethodFormatter

from outboxbench.report import style
from outboxbench.report.charts import arm_rows, frame, grid
from outboxbench.report.charts.arm_cost_rows import cheapest, panels_of
from outboxbench.report.charts.data_table import DataTable
from outboxbench.report.charts.findings import sentence
from outboxbench.report.charts.stacked_bars import Part, draw_stack, parts_key
from outboxbench.report.numbers import three_digits

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from outboxbench.report.charts.arm_cost_rows import Panel, Row
    from outboxbench.results.model import Run

TITLE = "What an operation costs"
SHOWS = "CPU time of client and server for one operation of each arm, with the range of its rounds"
NEEDS = "a strategy whose CPU time could be counted, on either side"
READING = (
    "Shorter bars leave more of the machine to others; where the whiskers of two bars cover the"
    " same stretch, the order may be chance."
)

_WHISKER_ROWS: Final = 0.26
_HEADING_IN: Final = 0.8
_AXIS_IN: Final = 0.72
_CLIENT: Final = arm_rows.Column("client µs", 0.7)
_SERVER: Final = arm_rows.Column("server µs", 1.45)
_VERDICT: Final = arm_rows.Column("verdict", 1.6)

_PARTS: Final = (
    Part("client_cpu_us_per_op", "client CPU", "#0072B2", "white"),
    Part("server_cpu_us_per_op", "server CPU", "#D55E00", "white", "////"),
)


def draw(run: Run) -> Figure:
    """Draw one panel for each comparable set of arms, the cheapest arm on top.

    Raises NoDataError when no CPU time of a strategy is known.
    """
    panels = panels_of(run)
    if not panels:
        raise frame.NoDataError("no CPU time of client or server was counted")
    full_in = sum(map(_height_in, panels))
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


def describe(run: Run) -> str:
    """The chart in words: both parts of every arm, cheapest first."""
    return " ".join(
        f"{panel.arms.spoken_title}: "
        + "; ".join(
            f"{row.name} {row.arm.loop} client {three_digits(row.client_us)} µs, server"
            f" {three_digits(row.server_us)} µs, verdict {row.arm.verdict}"
            for row in panel.rows
        )
        + "."
        for panel in panels_of(run)
    )


def finding(run: Run) -> str:
    """Say which arm is cheapest and which dearest, and whether their rounds overlap."""
    return sentence([cheapest(panel) for panel in panels_of(run)])


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
            for panel in panels_of(run)
            for row in panel.rows
        ),
    )


def _height_in(panel: Panel) -> float:
    return _HEADING_IN + arm_rows.ROW_IN * len(panel.rows) + _AXIS_IN


def _draw_panels(figure: Figure, panels: Sequence[Panel]) -> None:
    top_in = frame.TOP_IN
    for panel in panels:
        frame.write_heading(figure, panel.arms.title, panel.arms.settings_text, at_in=top_in)
        rows = len(panel.rows)
        _draw_panel(arm_rows.place(figure, top_in=top_in + _HEADING_IN, rows=rows), panel)
        top_in += _height_in(panel)


def _draw_panel(axes: Axes, panel: Panel) -> None:
    axes.set_xlim(0, 1.03 * max(max(row.most_us, row.total_us) for row in panel.rows) or 1)
    axes.xaxis.set_major_locator(MaxNLocator(nbins=7, steps=[1, 2, 2.5, 5, 10]))
    axes.xaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
    axes.set_xlabel("CPU time, µs per attempted operation", fontsize=9)
    for number, row in enumerate(panel.rows):
        values = list(zip(_PARTS, (row.client_us, row.server_us), strict=True))
        trusted = row.arm.verdict == "pass"
        draw_stack(axes, number, values, width_in=arm_rows.WIDTH_IN, trusted=trusted)
        arm_rows.write_row(
            axes,
            1 - (number + 0.5) / len(panel.rows),
            row.name,
            row.arm,
            ((_CLIENT, three_digits(row.client_us)), (_SERVER, three_digits(row.server_us))),
            _VERDICT,
        )
    # Below the figures that stand in the bars.
    _draw_whiskers(axes, list(enumerate(panel.rows)), offset=_WHISKER_ROWS)
    arm_rows.write_heads(axes, 1 + 0.35 / len(panel.rows), (_CLIENT, _SERVER), _VERDICT)


def _draw_whiskers(axes: Axes, rows: Sequence[tuple[int, Row]], *, offset: float) -> None:
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


def _small(panel: Panel) -> grid.Small:
    by_name = {arm_rows.small_name(panel.arms, row.arm): row for row in panel.rows}
    return grid.Small(
        heading=arm_rows.small_heading(panel.arms),
        arms=panel.arms,
        rows={name: row.total_us for name, row in by_name.items()},
        doubtful=frozenset(name for name, row in by_name.items() if row.arm.verdict != "pass"),
        draw=partial(_draw_small, by_name),
    )


def _draw_small(by_name: Mapping[str, Row], axes: Axes, names: Sequence[str]) -> None:
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
    arm_rows.set_small_axes(axes, rows=len(names), label="CPU, µs/op")
