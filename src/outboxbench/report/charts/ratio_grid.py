"""Ratios of many tables as a grid: small panels of what decides, four beside each other."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from outboxbench.report import style
from outboxbench.report.charts import frame
from outboxbench.report.charts.grid import difference, lines_of
from outboxbench.report.charts.ratio_axes import SMALL, draw_ratios, limits, write_names

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.figure import Figure

    from outboxbench.report.charts.ratio_rows import RatioTable, Row

_HEADING_IN = 0.55
_AXIS_IN = 0.6
_NAMES_IN = 1.95
_PANEL_IN = 1.4
_STEP_IN = 2.13
_LONGEST_NAME = 30


def height_in(tables: Sequence[RatioTable]) -> float:
    """The room that the grid takes."""
    return sum(_line_height_in(line) for line in _lines(tables))


def draw_grid(figure: Figure, tables: Sequence[RatioTable]) -> None:
    """Draw the tables, those of a line over the same rows and on the same axis."""
    top_in = frame.TOP_IN
    for line in _lines(tables):
        metric = line[0].metrics[0]
        names = _names(line)
        by_name = [{row.name: row for row in table.rows} for table in line]
        span = limits(
            row.by_metric[metric] for table in line for row in table.rows if metric in row.by_metric
        )
        frame.write_heading(figure, _title(line), "", at_in=top_in)
        for column, (table, rows) in enumerate(zip(line, by_name, strict=True)):
            axes = frame.place(
                figure,
                left_in=frame.LEFT_IN + _NAMES_IN + column * _STEP_IN,
                top_in=top_in + _HEADING_IN,
                width_in=_PANEL_IN,
                height_in=SMALL.row_in * len(names),
            )
            draw_ratios(axes, [rows.get(name) for name in names], metric, span, SMALL)
            frame.write_beside(
                axes,
                frame.shortened(_what_is_its_own(table, line), 34),
                level=1 + 0.6 / len(names),
                align="left",
                colour=style.FAINT,
                size=8,
            )
            if column == 0:
                write_names(
                    axes,
                    [(name, all(_passed(name, rows) for rows in by_name)) for name in names],
                    SMALL,
                    _LONGEST_NAME,
                )
        top_in += _line_height_in(line)


def _lines(tables: Sequence[RatioTable]) -> list[list[RatioTable]]:
    return lines_of(
        tables,
        lambda table: (table.arms.workload, table.arms.profile, table.metrics),
        lambda table: (table.arms.profile, table.metrics),
    )


def _line_height_in(line: Sequence[RatioTable]) -> float:
    return _HEADING_IN + SMALL.row_in * len(_names(line)) + _AXIS_IN


def _names(line: Sequence[RatioTable]) -> list[str]:
    """The rows of all panels of a line, best first on the average of those that have them."""
    metric = line[0].metrics[0]
    sign = -1 if metric == "ok_per_s" else 1
    logs: dict[str, list[float]] = {}
    for table in line:
        for row in table.rows:
            if metric in row.by_metric:
                logs.setdefault(row.name, []).append(math.log(row.by_metric[metric].ratio))
    return sorted(logs, key=lambda name: sign * sum(logs[name]) / len(logs[name]))


def _passed(name: str, rows: dict[str, Row]) -> bool:
    return name not in rows or rows[name].arm.verdict == "pass"


def _title(line: Sequence[RatioTable]) -> str:
    arms = line[0].arms
    reference = {table.title.removeprefix(table.arms.title) for table in line}
    suffix = reference.pop() if len(reference) == 1 else ""
    work = "" if len(_workloads(line)) > 1 else f"{arms.workload}, "
    return f"{work}{arms.profile} profile{suffix}"


def _what_is_its_own(table: RatioTable, line: Sequence[RatioTable]) -> str:
    """What tells a panel from the others of its line."""
    if len(_workloads(line)) > 1:
        return table.arms.workload
    return difference(table.arms.settings, [each.arms.settings for each in line])


def _workloads(line: Sequence[RatioTable]) -> set[str]:
    return {table.arms.workload for table in line}
