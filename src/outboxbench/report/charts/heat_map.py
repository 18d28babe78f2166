"""Latency over the time of a window as a heat map: how many operations took how long, and when."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

import numpy as np
from matplotlib.cm import ScalarMappable
from matplotlib.colors import LogNorm
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator

from outboxbench.report import style
from outboxbench.report.charts import frame
from outboxbench.report.charts.data_table import DataTable
from outboxbench.report.charts.heat_cells import decades_above, densest_ms, heats_of
from outboxbench.report.charts.log_ticks import label_log_axis
from outboxbench.report.charts.windows import NEEDS as NEEDS
from outboxbench.report.charts.windows import windows

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from outboxbench.report.charts.heat_cells import Buckets, Heat
    from outboxbench.report.charts.windows import IntervalsOf
    from outboxbench.results.model import Run

TITLE = "Where operations were, over time"
SHOWS = "how many operations took how long in each interval of a window, and those that failed"
READING = (
    "Each column is an interval: darker is more operations; a dark row is what latency usually is,"
    " and what lies above it came late."
)

_COLUMNS: Final = 3
_PANEL_IN: Final = 2.75
_STEP_IN: Final = 3.5
_STRIP_IN: Final = 0.22
_GAP_IN: Final = 0.07
_HEIGHT_IN: Final = 1.45
_ROW_IN: Final = 2.75
_NAME_IN: Final = 0.42
_LEFT_IN: Final = frame.LEFT_IN + 0.55
_SCALE_IN: Final = 0.75
_US_PER_MS: Final = 1000


def draw(run: Run, intervals_of: IntervalsOf) -> Figure:
    """Draw one block of each arm: the one whose p99 is the median of the arm's blocks.

    Raises NoDataError when the run has no open loop and no window that is long enough.
    """
    chosen = windows(run)
    buckets, heats = heats_of(chosen.shown, intervals_of)
    most = max(int(heat.counts.max()) for heat in heats)
    norm = LogNorm(1, max(most, 2))
    panels_in = _ROW_IN * math.ceil(len(heats) / _COLUMNS)
    with style.applied():
        figure = frame.new_figure(
            frame.Footer.of_run(run),
            title=TITLE,
            subtitle="One block of each arm, the one with the median p99; an operation counts"
            " where it was due (open loop) or ended (closed loop).\nGood operations alone are in"
            f" the map; those that failed or stayed in doubt are above it.{chosen.left_out_text}",
            key=[Patch(facecolor=style.ALARM, label="failed or in doubt, in each interval")],
            panels_in=panels_in + _SCALE_IN,
        )
        for number, heat in enumerate(heats):
            _draw_panel(
                figure,
                heat,
                buckets,
                norm,
                left_in=_LEFT_IN + number % _COLUMNS * _STEP_IN,
                top_in=frame.TOP_IN + number // _COLUMNS * _ROW_IN + _NAME_IN,
            )
        _draw_scale(figure, norm, frame.TOP_IN + panels_in + 0.05)
    return figure


def describe(run: Run, intervals_of: IntervalsOf) -> str:
    """The chart in words: where most operations of each block were, and how many failed."""
    buckets, heats = heats_of(windows(run).shown, intervals_of)
    return " ".join(
        f"{heat.window.arm.name}: most operations between {low_ms:.2g} and {high_ms:.2g} ms,"
        f" {heat.window.lost:,} failed or in doubt, verdict {heat.window.block.verdict}."
        for heat in heats
        for low_ms, high_ms in (densest_ms(heat, buckets),)
    )


def finding(run: Run, intervals_of: IntervalsOf) -> str:
    """Say in which block operations lie farthest above where most of them are."""
    buckets, heats = heats_of(windows(run).shown, intervals_of)
    spread, heat = max(((decades_above(each), each) for each in heats), key=lambda found: found[0])
    low_ms, high_ms = densest_ms(heat, buckets)
    failing = [each.window.arm.name for each in heats if sum(each.failed)]
    failures = (
        f"operations failed or stayed in doubt in {', '.join(failing)}"
        if failing
        else "no operation that is shown failed"
    )
    return (
        f"Widest is {heat.window.arm.name}: most of its operations take {low_ms:.2g} to"
        f" {high_ms:.2g} ms, and the slowest {10**spread:,.0f} times as long, in one block;"
        f" {failures}."
    )


def data(run: Run, intervals_of: IntervalsOf) -> DataTable:
    """Every cell with an operation in it, and the failures of each interval."""
    buckets, heats = heats_of(windows(run).shown, intervals_of)
    edges_ms = buckets.edges_us / _US_PER_MS
    rows: list[tuple[str | int | float | None, ...]] = []
    for heat in heats:
        arm, round_number = heat.window.arm.name, heat.window.block.round
        for column, start_s in enumerate(heat.starts_s):
            if heat.failed[column]:
                rows.append((arm, round_number, start_s, None, None, heat.failed[column], "failed"))
            rows += [
                (
                    *(arm, round_number, start_s),
                    *(float(edges_ms[bucket]), float(edges_ms[bucket + 1])),
                    *(int(heat.counts[bucket, column]), "good"),
                )
                for bucket in np.flatnonzero(heat.counts[:, column])
            ]
    return DataTable(
        columns=(
            *("arm", "round", "interval begins, s", "latency from, ms", "latency to, ms"),
            *("operations", "outcome"),
        ),
        rows=tuple(rows),
    )


def _draw_panel(
    figure: Figure,
    heat: Heat,
    buckets: Buckets,
    norm: LogNorm,
    *,
    left_in: float,
    top_in: float,
) -> None:
    strip = frame.place(
        figure, left_in=left_in, top_in=top_in, width_in=_PANEL_IN, height_in=_STRIP_IN
    )
    _draw_failures(strip, heat)
    strip.set_title(heat.window.title, fontsize=9, pad=15)
    strip.annotate(
        heat.window.losses_text,
        xy=(0, 1),
        xycoords="axes fraction",
        xytext=(0, 4),
        textcoords="offset points",
        fontsize=8,
        color=heat.window.colour,
    )
    axes = frame.place(
        figure,
        left_in=left_in,
        top_in=top_in + _STRIP_IN + _GAP_IN,
        width_in=_PANEL_IN,
        height_in=_HEIGHT_IN,
    )
    edges_s = [*heat.starts_s, heat.starts_s[-1] + heat.length_s]
    axes.grid(visible=False)
    axes.pcolormesh(
        edges_s,
        buckets.edges_us,
        np.ma.masked_equal(heat.counts, 0),
        cmap=style.heat(),
        norm=norm,
        # Cells as paths would leave hairlines between them in many viewers.
        rasterized=True,
    )
    limits_us = float(buckets.edges_us[0]), float(buckets.edges_us[-1])
    axes.set_yscale("log")
    axes.set_ylim(*limits_us)
    label_log_axis(axes.yaxis, limits_us, length_in=_HEIGHT_IN, per_unit=_US_PER_MS, points=8)
    axes.set_ylabel("latency, ms", fontsize=8, labelpad=4)
    axes.set_xlim(0, heat.window.block.seconds)
    axes.xaxis.set_major_locator(MaxNLocator(4))
    axes.set_xlabel("seconds of the window", fontsize=8, labelpad=1)
    axes.tick_params(labelsize=8)


def _draw_failures(strip: Axes, heat: Heat) -> None:
    most = max(heat.failed)
    strip.bar(
        heat.starts_s,
        heat.failed,
        width=heat.length_s,
        align="edge",
        color=style.ALARM,
        linewidth=0,
    )
    strip.set_xlim(0, heat.window.block.seconds)
    strip.set_ylim(0, max(most, 1))
    strip.set_yticks([0, most] if most else [0])
    strip.tick_params(labelsize=7, labelbottom=False, length=0)
    strip.grid(visible=False)


def _draw_scale(figure: Figure, norm: LogNorm, top_in: float) -> None:
    axes = frame.place(figure, left_in=_LEFT_IN, top_in=top_in, width_in=_PANEL_IN, height_in=0.13)
    bar = figure.colorbar(
        ScalarMappable(norm=norm, cmap=style.heat()), cax=axes, orientation="horizontal"
    )
    bar.outline.set_visible(False)
    label_log_axis(axes.xaxis, (norm.vmin or 1, norm.vmax or 1), length_in=_PANEL_IN, points=8)
    bar.set_label("good operations in a cell (logarithmic)", fontsize=8, labelpad=2)
