"""Throughput as small panels, where a run has more tables than full ones have room for."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from outboxbench.report import style
from outboxbench.report.charts import arm_rows, grid

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from matplotlib.axes import Axes

    from outboxbench.analysis.comparable import ComparableArms
    from outboxbench.results.model import Arm


def small_panel(arms: ComparableArms) -> grid.Small:
    """One comparable set of arms: bars with the range of their rounds, the fastest on top."""
    by_name = {arm_rows.small_name(arms, arm): arm for arm in arms.strategies}
    return grid.Small(
        heading=arm_rows.small_heading(arms),
        arms=arms,
        rows={name: -arm.summary.ok_per_s_median for name, arm in by_name.items() if arm.summary},
        doubtful=frozenset(name for name, arm in by_name.items() if arm.verdict != "pass"),
        draw=partial(_draw_small, arms, by_name),
    )


def _draw_small(
    arms: ComparableArms, by_name: Mapping[str, Arm], axes: Axes, names: Sequence[str]
) -> None:
    """Bars with the range of their rounds; the ceiling is a line without a name."""
    shown = [
        (row, arm, summary)
        for row, name in enumerate(names)
        if (arm := by_name.get(name)) and (summary := arm.summary)
    ]
    trusted = [arm.verdict == "pass" for _, arm, _ in shown]
    medians = [summary.ok_per_s_median for _, _, summary in shown]
    rows = [row for row, _, _ in shown]
    axes.barh(
        rows,
        medians,
        height=0.7,
        color=[
            style.look(arm).colour if passed else "white"
            for (_, arm, _), passed in zip(shown, trusted, strict=True)
        ],
        edgecolor=["white" if passed else style.ALARM for passed in trusted],
        hatch=[
            style.hatch(arm.loop) if passed else style.DOUBT_HATCH
            for (_, arm, _), passed in zip(shown, trusted, strict=True)
        ],
        linewidth=0,
    )
    axes.errorbar(
        medians,
        rows,
        xerr=[
            [summary.ok_per_s_median - summary.ok_per_s_min for _, _, summary in shown],
            [summary.ok_per_s_max - summary.ok_per_s_median for _, _, summary in shown],
        ],
        linestyle="none",
        color=style.INK,
        elinewidth=0.8,
    )
    for ceiling in arms.ceilings:
        if ceiling.summary:
            axes.axvline(
                ceiling.summary.ok_per_s_median,
                color=style.INK,
                linewidth=1.2,
                linestyle=style.CEILING.line,
            )
    arm_rows.set_small_axes(axes, rows=len(names), label="ok/s; dashed: ceiling")
