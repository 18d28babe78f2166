"""Throughput: an arm's median as a bar, each of its rounds as a dot, the ceiling as a line."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import StrMethodFormatter

from outboxbench.analysis.comparable import comparable_arms
from outboxbench.report import style
from outboxbench.report.charts import frame, grid
from outboxbench.report.charts.data_table import DataTable
from outboxbench.report.charts.findings import over_rounds, overlap, sentence
from outboxbench.report.charts.throughput_grid import small_panel
from outboxbench.report.numbers import percent, three_digits

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from outboxbench.analysis.comparable import ComparableArms
    from outboxbench.results.model import Arm, Run, Summary

TITLE = "Throughput"
SHOWS = "ok operations per second of each arm, every round, against the ceiling"
NEEDS = "a strategy in a closed loop"
READING = (
    "Longer bars do more; where the dots of two bars cover the same stretch, their rounds overlap"
    " and the order may be chance."
)

_ROW_IN = 0.32
_HEADING_IN = 0.5
_CEILING_LABEL_IN = 0.2
_AXIS_IN = 0.7
_STRATEGY_IN = 0.75
_LOOP_IN = 0.67
_OK_PER_S_IN = 0.6
_RATIO_IN = 1.35
_VERDICT_IN = 1.55
_LONGEST_NAME = 19
_LEFT_IN = frame.LEFT_IN + 2.2
_WIDTH_IN = frame.WIDTH_IN - _LEFT_IN - 2.4


def draw(run: Run) -> Figure:
    """Draw one panel for each comparable set of arms, the fastest arm on top.

    Raises NoDataError when no strategy was measured in a closed loop.
    """
    panels = _panels(run)
    if not panels:
        raise frame.NoDataError("no strategy was measured in a closed loop")
    full_in = sum(map(_height_in, panels))
    small = [small_panel(arms) for arms in panels] if full_in > grid.TALLEST_IN else []
    with style.applied():
        figure = frame.new_figure(
            frame.Footer.of_run(run),
            title=TITLE,
            subtitle="Committed operations per second; longer is better.\n"
            "A bar is the median of an arm's rounds, "
            + ("whiskers are their range." if small else "a dot is one round."),
            key=_key()[:2] if small else _key(),
            panels_in=grid.height_in(small) if small else full_in,
        )
        if small:
            grid.draw_grid(figure, small, top_in=frame.TOP_IN)
        else:
            _draw_panels(figure, panels)
    return figure


def _draw_panels(figure: Figure, panels: Sequence[ComparableArms]) -> None:
    top_in = frame.TOP_IN
    for arms in panels:
        frame.write_heading(figure, arms.title, arms.settings_text, at_in=top_in)
        axes = frame.place(
            figure,
            left_in=_LEFT_IN,
            top_in=top_in + _heading_in(arms),
            width_in=_WIDTH_IN,
            height_in=_ROW_IN * len(arms.strategies),
        )
        _draw_panel(axes, arms)
        top_in += _height_in(arms)


def describe(run: Run) -> str:
    """The chart in words: every arm's figure with its verdict, fastest first."""
    return " ".join(
        f"{arms.title}: "
        + "; ".join(
            f"{arms.label(arm)} {arm.loop or 'ceiling'}"
            f" {three_digits(arm.summary.ok_per_s_median)} ok/s, verdict {arm.verdict}"
            for arm in (*arms.ceilings, *arms.strategies)
            if arm.summary
        )
        + "."
        for arms in _panels(run)
    )


def finding(run: Run) -> str:
    """Say who is fastest in each table, and whether the next one's rounds reach as far."""
    return sentence([_fastest(arms) for arms in _panels(run)])


def data(run: Run) -> DataTable:
    """The bars with their rounds, ceilings first."""
    return DataTable(
        columns=(
            *("arms", "settings", "strategy", "loop"),
            *("ok/s, median", "ok/s, least", "ok/s, most", "rounds"),
            *("share of the ceiling", "verdict"),
        ),
        rows=tuple(
            (
                *(arms.title, arms.settings_text, arms.label(arm), arm.loop or "ceiling"),
                *(summary.ok_per_s_median, summary.ok_per_s_min, summary.ok_per_s_max),
                *(summary.rounds, summary.ceiling_ratio_median, arm.verdict),
            )
            for arms in _panels(run)
            for arm in (*arms.ceilings, *arms.strategies)
            if (summary := arm.summary)
        ),
    )


def _fastest(arms: ComparableArms) -> str:
    ranked = [(arm, summary) for arm in arms.strategies if (summary := arm.summary)]
    arm, most = ranked[0]
    share = (
        ""
        if most.ceiling_ratio_median is None
        else f" and {percent(most.ceiling_ratio_median)} of the ceiling"
    )
    told = (
        f"{arms.title}: {arms.label(arm)} {arm.loop} is fastest with"
        f" {three_digits(most.ok_per_s_median)} ok/s{share} ({_rounds_text(most)})"
    )
    if len(ranked) == 1:
        return told
    other, less = ranked[1]
    overlaps = overlap(_range(most), _range(less))
    return (
        f"{told}, before {arms.label(other)} {other.loop} with"
        f" {three_digits(less.ok_per_s_median)}, whose rounds"
        f" {'overlap with it' if overlaps else 'all stay below'}"
    )


def _range(summary: Summary) -> tuple[float, float]:
    return summary.ok_per_s_min, summary.ok_per_s_max


def _rounds_text(summary: Summary) -> str:
    least, most = (three_digits(each) for each in _range(summary))
    return over_rounds(least, most, summary.rounds)


def _panels(run: Run) -> list[ComparableArms]:
    """Closed loops alone: what an open one does was given."""
    return [
        arms
        for arms in comparable_arms(run)
        if any(arm.summary and arm.offered_per_s is None for arm in arms.strategies)
    ]


def _heading_in(arms: ComparableArms) -> float:
    return _HEADING_IN + _CEILING_LABEL_IN * max(len(arms.ceilings), 1)


def _height_in(arms: ComparableArms) -> float:
    return _heading_in(arms) + _ROW_IN * len(arms.strategies) + _AXIS_IN


def _draw_panel(axes: Axes, arms: ComparableArms) -> None:
    summaries = [arm.summary for arm in (*arms.ceilings, *arms.strategies) if arm.summary]
    axes.set_xlim(0, 1.03 * max(summary.ok_per_s_max for summary in summaries) or 1)
    axes.set_ylim(len(arms.strategies) - 0.5, -0.5)
    axes.set_yticks([])
    axes.xaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
    axes.set_xlabel("committed operations per second (ok/s)", fontsize=9)
    for number, ceiling in enumerate(arms.ceilings):
        if ceiling.summary:
            _draw_ceiling(axes, arms.label(ceiling), ceiling, ceiling.summary, line=number)
    for row, arm in enumerate(arms.strategies):
        if arm.summary:
            _draw_bar(axes, row, arm, arm.summary)
        _write_row(axes, 1 - (row + 0.5) / len(arms.strategies), arms.label(arm), arm)
    _write_column_heads(axes, 1 + 0.3 / len(arms.strategies))


def _draw_bar(axes: Axes, row: int, arm: Arm, summary: Summary) -> None:
    look = style.look(arm)
    trusted = arm.verdict == "pass"
    axes.barh(
        row,
        summary.ok_per_s_median,
        height=0.66,
        color=look.colour if trusted else "white",
        edgecolor="white" if trusted else style.ALARM,
        hatch=style.hatch(arm.loop) if trusted else style.DOUBT_HATCH,
        linewidth=0 if trusted else 1,
    )
    axes.plot(
        [block.ok_per_s for block in arm.blocks],
        [row + offset for offset in _offsets(len(arm.blocks))],
        linestyle="none",
        marker=look.marker,
        markersize=4.2,
        markerfacecolor=style.INK,
        markeredgecolor="white",
        markeredgewidth=0.6,
        clip_on=False,
    )


def _draw_ceiling(axes: Axes, name: str, arm: Arm, summary: Summary, *, line: int) -> None:
    axes.axvspan(
        summary.ok_per_s_min, summary.ok_per_s_max, color=style.INK, alpha=0.12, linewidth=0
    )
    axes.axvline(
        summary.ok_per_s_median, color=style.INK, linewidth=1.6, linestyle=style.CEILING.line
    )
    axes.annotate(
        f"ceiling: {name} {three_digits(summary.ok_per_s_median)} ok/s,"
        f" {style.verdict_text(arm.verdict)}",
        xy=(summary.ok_per_s_median, 1),
        xycoords=axes.get_xaxis_transform(),
        xytext=(0, 4 + line * _CEILING_LABEL_IN * frame.POINTS_PER_IN),
        textcoords="offset points",
        ha="right" if summary.ok_per_s_median > axes.get_xlim()[1] / 2 else "left",
        fontsize=9,
        color=style.INK,
    )


def _offsets(rounds: int) -> list[float]:
    """Where a bar's dots stand, in rows from its middle: one below the other, so none is hidden."""
    step = 0.44 / max(rounds - 1, 1)
    return [(number - (rounds - 1) / 2) * step for number in range(rounds)]


def _write_row(axes: Axes, level: float, name: str, arm: Arm) -> None:
    colour = style.INK if arm.verdict == "pass" else style.ALARM
    summary = arm.summary
    write = partial(frame.write_beside, axes, level=level, colour=colour)
    write(frame.shortened(name, _LONGEST_NAME), left_in=_STRATEGY_IN, align="right")
    write(arm.loop or "", left_in=_LOOP_IN, align="left")
    if summary:
        write(three_digits(summary.ok_per_s_median), right_in=_OK_PER_S_IN, align="right")
        write(percent(summary.ceiling_ratio_median), right_in=_RATIO_IN, align="right")
    write(style.verdict_text(arm.verdict), right_in=_VERDICT_IN, align="left")


def _write_column_heads(axes: Axes, level: float) -> None:
    write = partial(frame.write_beside, axes, level=level, colour=style.FAINT)
    write("ok/s", right_in=_OK_PER_S_IN, align="right")
    write("of ceiling", right_in=_RATIO_IN, align="right")
    write("verdict", right_in=_VERDICT_IN, align="left")


def _key() -> Sequence[Artist]:
    return (
        Patch(facecolor=style.FAINT, label="uvloop"),
        Patch(
            facecolor=style.FAINT,
            edgecolor="white",
            linewidth=0,
            hatch=style.hatch("asyncio"),
            label="asyncio",
        ),
        Line2D(
            [],
            [],
            linestyle="none",
            marker="o",
            markersize=5,
            color=style.INK,
            label="one round, the first on top",
        ),
        Line2D(
            [],
            [],
            color=style.INK,
            linewidth=1.6,
            linestyle=style.CEILING.line,
            label="ceiling: the same statements from PostgreSQL's C client",
        ),
    )
