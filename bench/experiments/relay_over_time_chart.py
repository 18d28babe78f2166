"""Draws what relays went through: a column for each scenario, a row for each measure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator, StrMethodFormatter

from outboxbench.report import style
from outboxbench.report.charts.relay_backlog import PLAN_LINES

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from matplotlib.artist import Artist
    from matplotlib.axes import Axes

    from relay_series import Scenario, Series

COLOURS = {"lease": "#0072B2", "delete": "#D55E00", "sharded": "#009E73"}
TITLES: dict[Scenario, str] = {
    "kept": "kept: nothing is removed",
    "tidied": "tidied: removed after {keep_s:g} s",
    "held": "held: tidied, and a snapshot kept",
}
MEASURES: dict[str, Callable[[Series], Sequence[float]]] = {
    "median claim (ms)": lambda series: [
        float("nan") if each is None else each for each in series.claim_ms
    ],
    "dead rows of the\noutbox (thousands)": lambda series: [
        each / 1000 for each in series.dead_rows
    ],
    "tables (MB)": lambda series: [each / 1e6 for each in series.table_bytes],
    "indexes (MB)": lambda series: [each / 1e6 for each in series.index_bytes],
}
WIDTH_IN = 3.7
HEIGHT_IN = 2.0
HEADING_IN = 0.65
LEAST_WIDTH_IN = 7.4


def draw(measured: Sequence[Series], keep_s: float, rate: int, path: Path) -> None:
    """Draw all series that were measured; those of one scenario share a column."""
    scenarios = list(dict.fromkeys(series.scenario for series in measured))
    width_in = max(LEAST_WIDTH_IN, WIDTH_IN * len(scenarios))
    height_in = HEADING_IN + HEIGHT_IN * len(MEASURES)
    with style.applied():
        figure = Figure(figsize=(width_in, height_in))
        grid = figure.subplots(
            len(MEASURES), len(scenarios), sharex=True, sharey="row", squeeze=False
        )
        for row, (name, values_of) in enumerate(MEASURES.items()):
            grid[row][0].set_ylabel(name, fontsize=9)
            for column, scenario in enumerate(scenarios):
                axes = grid[row][column]
                for series in measured:
                    if series.scenario == scenario:
                        _draw_series(axes, series, values_of(series))
                if scenario == "held":
                    seconds = len(measured[0].claim_ms)
                    axes.axvspan(seconds // 3, seconds, color=style.FAINT, alpha=0.12, linewidth=0)
                axes.yaxis.set_major_formatter(StrMethodFormatter("{x:,g}"))
                axes.xaxis.set_major_locator(MaxNLocator(integer=True))
            # Once all of the row is drawn: a limit that is set before keeps what comes later out.
            grid[row][0].set_ylim(bottom=0)
        grid[0][0].set_xlim(left=0)
        for column, scenario in enumerate(scenarios):
            grid[0][column].set_title(TITLES[scenario].format(keep_s=keep_s), fontsize=10)
            grid[-1][column].set_xlabel("seconds since the start", fontsize=9)
        figure.text(
            0.01,
            1 - 0.1 / height_in,
            f"A relay over time, at {rate:,} messages a second",
            fontsize=12,
            va="top",
            weight="bold",
        )
        figure.legend(
            handles=_key(measured),
            loc="upper left",
            bbox_to_anchor=(0.0, 1 - 0.3 / height_in),
            ncols=4,
            frameon=False,
            fontsize=9,
        )
        figure.tight_layout(rect=(0, 0, 1, 1 - HEADING_IN / height_in))
        FigureCanvasAgg(figure).print_figure(path, dpi=120)


def _draw_series(axes: Axes, series: Series, values: Sequence[float]) -> None:
    axes.plot(
        range(1, len(values) + 1),
        values,
        color=COLOURS[series.plan],
        linestyle=PLAN_LINES[series.plan],
        linewidth=1.6,
    )


def _key(measured: Sequence[Series]) -> list[Artist]:
    plans: list[Artist] = [
        Line2D([], [], color=COLOURS[plan], linestyle=PLAN_LINES[plan], label=plan)
        for plan in dict.fromkeys(series.plan for series in measured)
    ]
    if any(series.scenario == "held" for series in measured):
        plans.append(Patch(color=style.FAINT, alpha=0.25, label="another session keeps a snapshot"))
    return plans
