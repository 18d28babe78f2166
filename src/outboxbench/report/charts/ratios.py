"""Ratios with their intervals: every arm against the one that it is compared with."""

from __future__ import annotations

import math
from collections import Counter
from typing import TYPE_CHECKING

from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from outboxbench.report import style
from outboxbench.report.charts import frame, ratio_grid
from outboxbench.report.charts.data_table import DataTable
from outboxbench.report.charts.findings import sentence
from outboxbench.report.charts.grid import TALLEST_IN
from outboxbench.report.charts.ratio_axes import FULL, draw_ratios, limits, write_names
from outboxbench.report.charts.ratio_rows import WORDS, ratio_tables
from outboxbench.report.numbers import METRIC_NAMES, interval

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.artist import Artist
    from matplotlib.figure import Figure

    from outboxbench.report.charts.ratio_rows import RatioTable
    from outboxbench.results.model import Run

TITLE = "Ratios"
SHOWS = "ok/s and latency of each arm as a ratio to its reference, with 95% intervals"
NEEDS = "two rounds of an arm and of its reference"
READING = (
    "A point right of 1 has more of what the panel counts than its reference; an interval that"
    " reaches across 1 does not say which of the two has."
)

_HEADING_IN = 0.72
_AXIS_IN = 0.68
_NAMES_IN = 2.3
_PANEL_IN = 1.9
_STEP_IN = 4.15
_LONGEST_NAME = 30


def draw(run: Run) -> Figure:
    """Draw two panels for each comparable set of arms, the best ratio on top.

    Raises NoDataError when nothing was compared.
    """
    tables = ratio_tables(run)
    if not tables:
        raise frame.NoDataError("no arm has one that it could be compared with in two rounds")
    full_in = sum(map(_height_in, tables))
    is_full = full_in <= TALLEST_IN
    with style.applied():
        figure = frame.new_figure(
            frame.Footer.of_run(run),
            title=TITLE,
            subtitle="An arm's figure divided by that of its reference in the same round: mean over"
            " the rounds, and 95% interval.\n"
            + ("" if is_full else "Only the metric that decides; the others are in run.json. ")
            + "“Not sure”: the interval allows both a difference and none.",
            key=_key(tables),
            panels_in=full_in if is_full else ratio_grid.height_in(tables),
        )
        if is_full:
            _draw_tables(figure, tables)
        else:
            ratio_grid.draw_grid(figure, tables)
    return figure


def describe(run: Run) -> str:
    """The chart in words: every ratio with its interval and what was decided."""
    return " ".join(table.in_words() for table in ratio_tables(run))


def finding(run: Run) -> str:
    """Count what was decided in each table, and name the arm that is farthest away."""
    return sentence([_decisions(table) for table in ratio_tables(run)])


def data(run: Run) -> DataTable:
    """Every ratio with its 95% interval."""
    return DataTable(
        columns=(
            *("arms", "settings", "arm", "metric"),
            *("ratio", "ratio, low 95%", "ratio, high 95%", "rounds"),
            *("decision", "decides", "verdict"),
        ),
        rows=tuple(
            (
                *(table.title, table.arms.settings_text, row.name, METRIC_NAMES[metric]),
                *(found.ratio, found.low, found.high, found.rounds),
                *(WORDS[found.decision], "no" if found.is_advisory else "yes", row.arm.verdict),
            )
            for table in ratio_tables(run)
            for row in table.rows
            for metric in table.metrics
            if (found := row.by_metric.get(metric))
        ),
    )


def _decisions(table: RatioTable) -> str:
    metric = table.metrics[0]
    compared = [(row, row.by_metric[metric]) for row in table.rows if metric in row.by_metric]
    counts = Counter(WORDS[found.decision] for _, found in compared)
    decided = ", ".join(f"{counts[word]} {word}" for word in WORDS.values() if counts[word])
    row, farthest = max(compared, key=lambda each: abs(math.log(each[1].ratio)))
    return (
        f"{table.spoken_title}, {METRIC_NAMES[metric]}: of {len(compared)} arms {decided};"
        f" the farthest is {row.name} with {interval(farthest)}"
    )


def _height_in(table: RatioTable) -> float:
    return _HEADING_IN + FULL.row_in * len(table.rows) + _AXIS_IN


def _draw_tables(figure: Figure, tables: Sequence[RatioTable]) -> None:
    top_in = frame.TOP_IN
    for table in tables:
        frame.write_heading(figure, table.title, table.arms.settings_text, at_in=top_in)
        for column, metric in enumerate(table.metrics):
            axes = frame.place(
                figure,
                left_in=frame.LEFT_IN + _NAMES_IN + column * _STEP_IN,
                top_in=top_in + _HEADING_IN,
                width_in=_PANEL_IN,
                height_in=FULL.row_in * len(table.rows),
            )
            found = [row.by_metric[metric] for row in table.rows if metric in row.by_metric]
            draw_ratios(axes, table.rows, metric, limits(found), FULL)
            if column == 0:
                names = [(row.name, row.arm.verdict == "pass") for row in table.rows]
                write_names(axes, names, FULL, _LONGEST_NAME)
        top_in += _height_in(table)


def _key(tables: Sequence[RatioTable]) -> list[Artist]:
    comparisons = [
        found
        for table in tables
        for row in table.rows
        for metric in table.metrics
        if (found := row.by_metric.get(metric))
    ]
    margins = {f"±{each.margin:.0%}" for each in comparisons}
    margin = margins.pop() if len(margins) == 1 else "the margin"
    pale = Line2D(
        [],
        [],
        color=style.FAINT,
        alpha=0.5,
        marker="o",
        markersize=6,
        label="advisory: decides nothing",
    )
    return [
        Line2D(
            [],
            [],
            color=style.FAINT,
            marker="o",
            markersize=6,
            linewidth=2,
            label="ratio, interval",
        ),
        *([pale] if any(each.is_advisory for each in comparisons) else []),
        Patch(facecolor=style.INK, alpha=0.1, label=f"within {margin}: counts as none"),
    ]
