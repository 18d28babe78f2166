"""A full panel of throughput: bars of arms, the dots of their rounds, and lines of ceilings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import StrMethodFormatter

from outboxbench.report import style
from outboxbench.report.charts import arm_rows, frame
from outboxbench.report.numbers import percent, three_digits

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from outboxbench.analysis.comparable import ComparableArms
    from outboxbench.results.model import Arm, Summary

_HEADING_IN: Final = 0.5
_CEILING_LABEL_IN: Final = 0.2
_AXIS_IN: Final = 0.7
_OK_PER_S: Final = arm_rows.Column("ok/s", 0.6)
_RATIO: Final = arm_rows.Column("of ceiling", 1.35)
_VERDICT: Final = arm_rows.Column("verdict", 1.55)


def height_in(arms: ComparableArms) -> float:
    """The room that the panel takes, with its heading and its axis."""
    return _heading_in(arms) + arm_rows.ROW_IN * len(arms.strategies) + _AXIS_IN


def draw_panel(figure: Figure, arms: ComparableArms, *, top_in: float) -> None:
    """Draw a comparable set of arms, in their order."""
    frame.write_heading(figure, arms.title, arms.settings_text, at_in=top_in)
    rows = len(arms.strategies)
    axes = arm_rows.place(figure, top_in=top_in + _heading_in(arms), rows=rows)
    summaries = [arm.summary for arm in (*arms.ceilings, *arms.strategies) if arm.summary]
    axes.set_xlim(0, 1.03 * max(summary.ok_per_s_max for summary in summaries) or 1)
    axes.xaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
    axes.set_xlabel("committed operations per second (ok/s)", fontsize=9)
    for number, ceiling in enumerate(arms.ceilings):
        if ceiling.summary:
            _draw_ceiling(axes, arms.label(ceiling), ceiling, ceiling.summary, line=number)
    for row, arm in enumerate(arms.strategies):
        figures: list[tuple[arm_rows.Column, str]] = []
        if summary := arm.summary:
            _draw_bar(axes, row, arm, summary)
            figures = [
                (_OK_PER_S, three_digits(summary.ok_per_s_median)),
                (_RATIO, percent(summary.ceiling_ratio_median)),
            ]
        level = 1 - (row + 0.5) / rows
        arm_rows.write_row(axes, level, arms.label(arm), arm, figures, _VERDICT)
    arm_rows.write_heads(axes, 1 + 0.3 / rows, (_OK_PER_S, _RATIO), _VERDICT)


def bar_key() -> tuple[Artist, ...]:
    """What the hatches of bars mean."""
    return (
        Patch(facecolor=style.FAINT, label="uvloop"),
        Patch(
            facecolor=style.FAINT,
            edgecolor="white",
            linewidth=0,
            hatch=style.hatch("asyncio"),
            label="asyncio",
        ),
    )


def round_key() -> tuple[Artist, ...]:
    """What the dots and the line of a full panel mean."""
    return (
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


def _heading_in(arms: ComparableArms) -> float:
    return _HEADING_IN + _CEILING_LABEL_IN * max(len(arms.ceilings), 1)


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


def _offsets(rounds: int) -> Sequence[float]:
    """Where a bar's dots stand, in rows from its middle: one below the other, so none is hidden."""
    step = 0.44 / max(rounds - 1, 1)
    return [(number - (rounds - 1) / 2) * step for number in range(rounds)]


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
