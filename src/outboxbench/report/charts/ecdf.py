"""The whole distribution of latencies: a line for each arm, with a band over its rounds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from matplotlib.ticker import FixedLocator, PercentFormatter

from outboxbench.report import style
from outboxbench.report.charts import frame
from outboxbench.report.charts.data_table import DataTable
from outboxbench.report.charts.ecdf_lines import fastest, rows_of
from outboxbench.report.charts.findings import sentence
from outboxbench.report.charts.line_names import Columns, write_heads, write_line_name
from outboxbench.report.charts.log_ticks import label_log_axis
from outboxbench.report.charts.loop_rows import RowDrawing, draw_rows, how_operations_come
from outboxbench.report.numbers import milliseconds

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from outboxbench.analysis.ecdf import Ecdf
    from outboxbench.report.charts.ecdf_lines import Line
    from outboxbench.report.charts.loop_rows import LoopRow
    from outboxbench.results.document import Loop
    from outboxbench.results.model import Run

TITLE = "Distribution of latencies"
SHOWS = "the share of operations that took no longer than a latency, with a band over the rounds"
NEEDS = "histograms with 20 operations or more in a round of an arm"
READING = (
    "A line further left is faster, a steeper one steadier; where two bands cover each other, the"
    " rounds do not tell the arms apart."
)

_QUANTILES: Final = (0.1, 0.25, 0.5, 0.75, 0.9, 0.99)
_HEADING_IN: Final = 0.85
_AXIS_IN: Final = 0.7
_LEAST_HEIGHT_IN: Final = 2.4
_NAME_STEP_IN: Final = 0.2
_LEFT_IN: Final = frame.LEFT_IN + 0.55
_STEP_IN: Final = 5.3
_SMALL_WIDTH_IN: Final = 1.8
_BAND_ALPHA: Final = 0.18
_US_PER_MS: Final = 1000


class _Layout(NamedTuple):
    """The width of a panel, and the columns right of it."""

    width_in: float
    columns: Columns


_BESIDE_ANOTHER: Final = _Layout(2.1, Columns(0.14, 0.26, 16, figure_in=1.9, verdict_in=1.97))
_ALONE: Final = _Layout(6.3, Columns(0.14, 0.26, 27, figure_in=3.0, verdict_in=3.1))


def draw(run: Run, ecdfs: Mapping[str, Ecdf]) -> Figure:
    """Draw a row of panels for each comparable set of arms, one for each event loop.

    Args:
        run: what was measured.
        ecdfs: the distribution of each arm's good operations, by the arm's name.

    Raises NoDataError when no strategy has a round with samples enough.
    """
    rows = rows_of(run, ecdfs)
    if not rows:
        raise frame.NoDataError("no strategy has a round with the 20 samples that a median needs")
    return draw_rows(
        run,
        rows,
        RowDrawing(_height_in, _draw_row, _draw_small),
        title=TITLE,
        subtitle="Committed operations of all rounds together; bands reach from the round with"
        " the smallest share to that with the largest; further left is better.\n"
        f"{how_operations_come(rows)}",
    )


def describe(run: Run, ecdfs: Mapping[str, Ecdf]) -> str:
    """The chart in words: the median of every arm with its verdict."""
    return " ".join(
        f"{row.arms.spoken_title}: "
        + "; ".join(
            f"{line.name} {line.arm.loop or 'ceiling'} {line.median_text}, verdict"
            f" {line.arm.verdict}"
            for line in row.lines
        )
        + "."
        for row in rows_of(run, ecdfs)
    )


def finding(run: Run, ecdfs: Mapping[str, Ecdf]) -> str:
    """Say whose operations are fastest in each table, and by how much they are ahead."""
    return sentence([fastest(row) for row in rows_of(run, ecdfs)])


def data(run: Run, ecdfs: Mapping[str, Ecdf]) -> DataTable:
    """The quantiles of every arm, in the slowest round, in all together and in the fastest."""
    return DataTable(
        columns=(
            *("arms", "settings", "strategy", "loop", "operations", "rounds", "share of them, %"),
            *("within, ms", "within in the fastest round, ms", "within in the slowest round, ms"),
            "verdict",
        ),
        rows=tuple(
            (
                *(row.arms.title, row.arms.settings_text, line.name),
                *(line.arm.loop or "ceiling", line.ecdf.samples, line.ecdf.rounds),
                *(100 * quantile, middle_us / _US_PER_MS),
                *(fastest_us / _US_PER_MS, slowest_us / _US_PER_MS, line.arm.verdict),
            )
            for row in rows_of(run, ecdfs)
            for line in row.lines
            for quantile in _QUANTILES
            for slowest_us, middle_us, fastest_us in (line.ecdf.quantile_us(quantile),)
        ),
    )


def _panel_height_in(row: LoopRow[Line]) -> float:
    most = max(len(row.of(loop)) for loop in row.loops)
    return max(_LEAST_HEIGHT_IN, _NAME_STEP_IN * (most + 1))


def _height_in(row: LoopRow[Line]) -> float:
    return _HEADING_IN + _panel_height_in(row) + _AXIS_IN


def _draw_row(figure: Figure, row: LoopRow[Line], top_in: float) -> None:
    frame.write_heading(figure, row.arms.title, row.arms.settings_text, at_in=top_in)
    layout = _ALONE if len(row.loops) == 1 else _BESIDE_ANOTHER
    for column, loop in enumerate(row.loops):
        axes = frame.place(
            figure,
            left_in=_LEFT_IN + column * _STEP_IN,
            top_in=top_in + _HEADING_IN,
            width_in=layout.width_in,
            height_in=_panel_height_in(row),
        )
        _draw_axes(axes, row, layout.width_in)
        lines = _fastest_first(row, loop)
        for line in lines:
            _draw_line(axes, line)
        _write_names(axes, loop, lines, _NAME_STEP_IN / _panel_height_in(row), layout.columns)


def _draw_small(row: LoopRow[Line], loop: Loop, axes: Axes) -> None:
    _draw_axes(axes, row, _SMALL_WIDTH_IN)
    axes.set_ylabel("")
    axes.set_xlabel("share that took no longer; ms", fontsize=8)
    for line in _fastest_first(row, loop):
        _draw_line(axes, line)


def _fastest_first(row: LoopRow[Line], loop: Loop) -> list[Line]:
    return sorted(row.of(loop), key=lambda line: line.median_us)


def _draw_axes(axes: Axes, row: LoopRow[Line], width_in: float) -> None:
    ends_us = [line.ecdf.values_us for line in row.lines]
    limits_us = float(min(each[0] for each in ends_us)), float(max(each[-1] for each in ends_us))
    axes.set_xscale("log")
    axes.set_xlim(*limits_us)
    label_log_axis(axes.xaxis, limits_us, length_in=width_in, per_unit=_US_PER_MS, points=8.5)
    axes.set_xlabel("latency, ms (logarithmic)", fontsize=9)
    axes.set_ylim(0, 1)
    axes.yaxis.set_major_locator(FixedLocator([0, 0.25, 0.5, 0.75, 1]))
    axes.yaxis.set_major_formatter(PercentFormatter(xmax=1, decimals=0))
    axes.set_ylabel("operations that took no longer", fontsize=9)


def _draw_line(axes: Axes, line: Line) -> None:
    look = style.look(line.arm)
    trusted = line.arm.verdict == "pass"
    colour = look.colour if trusted else style.ALARM
    found = line.ecdf
    if found.rounds > 1:
        axes.fill_between(
            found.values_us, found.least, found.most, color=colour, alpha=_BAND_ALPHA, linewidth=0
        )
    axes.plot(
        found.values_us,
        found.share,
        color=colour,
        linestyle=look.line if trusted else ":",
        linewidth=1.6 if trusted else 1.2,
        marker=look.marker,
        markersize=5,
        markeredgecolor="white",
        markeredgewidth=0.5,
        markevery=[int(found.share.searchsorted(0.5))],
    )


def _write_names(
    axes: Axes, loop: Loop, lines: Sequence[Line], step: float, columns: Columns
) -> None:
    """Name the lines right of the axes; `step` is what a name takes of their height."""
    above = 1 + step * 0.9
    frame.write_beside(
        axes, loop, level=above, left_in=0.001, align="left", colour=style.INK, weight="bold"
    )
    write_heads(axes, columns, level=above, figure="p50, ms")
    for number, line in enumerate(lines):
        write_line_name(
            axes,
            columns,
            style.look(line.arm),
            level=1 - (number + 0.5) * step,
            name=line.name,
            figure=milliseconds(line.median_us),
            verdict=line.arm.verdict,
        )
