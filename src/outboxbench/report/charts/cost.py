"""Costs: the wall time of one command as a bar, divided into what it was spent on."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

from matplotlib.ticker import MaxNLocator, StrMethodFormatter

from outboxbench.analysis.comparable import changed_durability
from outboxbench.analysis.priced_alike import priced_alike
from outboxbench.report import style
from outboxbench.report.charts import frame
from outboxbench.report.charts.stacked_bars import Part, draw_stack, parts_key
from outboxbench.report.numbers import BLANK, three_digits

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from outboxbench.analysis.priced_alike import PricedAlike
    from outboxbench.results.cost import CommandCost, CommandTime, Costs

TITLE = "Where the time of one command goes"

_ROW_IN = 0.34
_HEADING_IN = 0.78
_AXIS_IN = 0.72
_STRATEGY_IN = 0.12
_WALL_IN = 0.62
_TRIPS_IN = 1.2
_VERDICT_IN = 1.4
_LONGEST_NAME = 19
_LEFT_IN = frame.LEFT_IN + 1.62
_WIDTH_IN = frame.WIDTH_IN - _LEFT_IN - 2.25

_PARTS: Final = (
    Part("client_executing_us", "client executing", "#0072B2", "white"),
    Part("wire_us", "wire", "#56B4E9", style.INK, "////"),
    Part("server_executing_us", "server executing", "#D55E00", "white"),
    Part("wal_sync_us", "server waiting for WAL sync", "#F0C75E", style.INK, "...."),
    Part("client_waiting_us", "client waiting", "#E4E4E4", style.INK),
)


def draw(costs: Costs) -> Figure:
    """Draw one panel for each workload, the cheapest strategy on top.

    Raises NoDataError when nothing was timed.
    """
    panels = _panels(costs)
    if not panels:
        raise frame.NoDataError("nothing was timed")
    with style.applied():
        figure = frame.new_figure(
            _footer(costs),
            title=TITLE,
            subtitle="One client on one connection, µs per operation; shorter is better. Wire is"
            " round trips × a bare one. Client waiting is what is left:\n"
            "event loop wake-ups, scheduling, other waits of the server.",
            key=parts_key(_PARTS),
            panels_in=sum(_height_in(alike) for alike in panels),
        )
        top_in = frame.TOP_IN
        for alike in panels:
            frame.write_heading(figure, alike.title, _note(alike), at_in=top_in)
            axes = frame.place(
                figure,
                left_in=_LEFT_IN,
                top_in=top_in + _HEADING_IN,
                width_in=_WIDTH_IN,
                height_in=_ROW_IN * len(alike.commands),
            )
            _draw_panel(axes, alike)
            top_in += _height_in(alike)
    return figure


def describe(costs: Costs) -> str:
    """The chart in words: every strategy's parts, cheapest first."""
    return " ".join(
        f"{alike.title}: "
        + "; ".join(
            f"{command.strategy} {three_digits(command.time.wall_us)} µs ("
            + ", ".join(
                f"{part.label} {three_digits(_value(command.time, part))}" for part in _PARTS
            )
            + f"), verdict {command.verdict}"
            for command in alike.commands
            if command.time
        )
        + "."
        for alike in _panels(costs)
    )


def _panels(costs: Costs) -> list[PricedAlike]:
    """One profile is enough for a chart: the matched one, where it was measured."""
    timed = [alike for alike in priced_alike(costs) if alike.is_timed]
    matched = [alike for alike in timed if alike.profile == "matched"]
    return matched or timed


def _height_in(alike: PricedAlike) -> float:
    return _HEADING_IN + _ROW_IN * len(alike.commands) + _AXIS_IN


def _note(alike: PricedAlike) -> str:
    """Say how much longer bars are than the wall time where client and server worked at once."""
    overlaps_us = [
        command.time.overlap_us
        for command in alike.commands
        if command.time and command.time.overlap_us
    ]
    if not overlaps_us:
        return "a bar is as long as the wall time"
    return (
        f"{len(overlaps_us)} of {len(alike.commands)} bars are longer than the wall time, by up to "
        f"{three_digits(max(overlaps_us))} µs: there client and server worked at once"
    )


def _draw_panel(axes: Axes, alike: PricedAlike) -> None:
    rows = len(alike.commands)
    times = [command.time for command in alike.commands if command.time]
    longest_us = max(time.wall_us + (time.overlap_us or 0) for time in times)
    axes.set_xlim(0, 1.02 * longest_us)
    axes.set_ylim(rows - 0.5, -0.5)
    axes.set_yticks([])
    axes.xaxis.set_major_locator(MaxNLocator(nbins=7, steps=[1, 2, 2.5, 5, 10]))
    axes.xaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
    axes.set_xlabel("µs per operation", fontsize=9)
    for row, command in enumerate(alike.commands):
        if command.time:
            values = [(part, _value(command.time, part)) for part in _PARTS]
            draw_stack(axes, row, values, width_in=_WIDTH_IN, trusted=command.verdict == "pass")
        _write_row(axes, 1 - (row + 0.5) / rows, command)
    _write_column_heads(axes, 1 + 0.35 / rows)


def _value(time: CommandTime, part: Part) -> float | None:
    value: float | None = getattr(time, part.name)
    return value


def _write_row(axes: Axes, level: float, command: CommandCost) -> None:
    colour = style.INK if command.verdict == "pass" else style.ALARM
    write = partial(frame.write_beside, axes, level=level, colour=colour)
    name = frame.shortened(command.strategy, _LONGEST_NAME)
    write(name, left_in=_STRATEGY_IN, align="right")
    write(
        three_digits(command.time.wall_us) if command.time else BLANK,
        right_in=_WALL_IN,
        align="right",
    )
    write(f"{command.counts.round_trips:.3g}", right_in=_TRIPS_IN, align="right")
    write(style.verdict_text(command.verdict), right_in=_VERDICT_IN, align="left")


def _write_column_heads(axes: Axes, level: float) -> None:
    write = partial(frame.write_beside, axes, level=level, colour=style.FAINT)
    write("wall µs", right_in=_WALL_IN, align="right")
    write("trips", right_in=_TRIPS_IN, align="right")
    write("verdict", right_in=_VERDICT_IN, align="left")


def _footer(costs: Costs) -> frame.Footer:
    durability = changed_durability(costs.server)
    return frame.Footer(
        verdict=costs.verdict,
        doubts=(f"not the usual durability: {', '.join(durability)}",) if durability else (),
        provenance=(
            f"median of {costs.timed_rounds} rounds of {costs.timed_operations} operations",
            *frame.surroundings(costs.server, costs.environment),
            f"{costs.started_at:%Y-%m-%d}",
        ),
    )
