"""Whether faster services are hurt less: a point for each arm, beside what is expected."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final, get_args

from matplotlib.ticker import MaxNLocator

from outboxbench.analysis.thesis import CLAIMS, Answer, findings, thesis_points
from outboxbench.analysis.thesis_words import paragraph
from outboxbench.report import style
from outboxbench.report.charts import fault_names, frame, strategy_key
from outboxbench.report.charts.data_table import DataTable
from outboxbench.report.charts.thesis_headroom import caught_up_s
from outboxbench.report.charts.thesis_panels import PANELS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from outboxbench.analysis.thesis import Finding, ThesisPoint
    from outboxbench.report.charts.thesis_panels import Panel
    from outboxbench.results.model import Run

TITLE = "Is a faster service hurt less by failures?"
SHOWS = "each strategy under a fault by its speed: in flight, interrupted, caught up with, in time"
NEEDS = "five arms or more under the same fault that differ in what became of them"
READING = (
    "Where faster services are hurt less, points rise from left to right in the first two panels"
    " and fall in the last two."
)

_HEADING_IN: Final = 0.75
_PANEL_IN: Final = 2.0
_AXIS_IN: Final = 0.75
_GAP_IN: Final = 0.62
_NAMES_IN: Final = 0.25
"""How far above the panels the names of strategies begin."""
_WIDTH_IN: Final = (frame.WIDTH_IN - 2 * frame.LEFT_IN - 4 * _GAP_IN) / 4


def draw(run: Run) -> Figure:
    """Draw a row for each fault and a column for each claim.

    Raises NoDataError where no fault was met by enough arms that differ.
    """
    points = thesis_points(run)
    found = findings(points)
    faults = sorted({each.fault for each in found if each.rho is not None})
    if not faults:
        raise frame.NoDataError("no fault was met by five arms that differ in what became of them")
    looks = {point.strategy: style.look_of(point.strategy) for point in points}
    names_in = strategy_key.height_in(looks)
    row_in = _HEADING_IN + _PANEL_IN + _AXIS_IN
    with style.applied():
        figure = frame.new_figure(
            fault_names.footer(run),
            title=TITLE,
            subtitle="A point is a strategy at a load; open markers are slowed on purpose, the "
            "larger the more.\nGrey lines are what is expected. ρ ranks the points: 1 agrees with "
            "the claim, -1 contradicts it.",
            key=(),
            panels_in=names_in + row_in * len(faults),
        )
        strategy_key.write(figure, looks, top_in=frame.TOP_IN - _NAMES_IN, is_stroked=False)
        for row, fault in enumerate(faults):
            of_fault = [point for point in points if point.fault == fault]
            top_in = frame.TOP_IN + names_in + row * row_in
            frame.write_heading(figure, f"Under {fault}", _loads(of_fault), at_in=top_in)
            for column, (panel, claim) in enumerate(zip(PANELS, CLAIMS, strict=True)):
                axes = frame.place(
                    figure,
                    left_in=frame.LEFT_IN + _GAP_IN + column * (_WIDTH_IN + _GAP_IN),
                    top_in=top_in + _HEADING_IN,
                    width_in=_WIDTH_IN,
                    height_in=_PANEL_IN,
                )
                (finding,) = (each for each in found if (each.claim, each.fault) == (claim, fault))
                _draw_panel(axes, panel, of_fault, finding)
    return figure


def describe(run: Run) -> str:
    """The paragraph that is made of the same figures."""
    return paragraph(run)


def finding(run: Run) -> str:
    """Count the answers to each claim over the faults."""
    found = findings(thesis_points(run))
    parts = []
    for claim in CLAIMS:
        answers = Counter(each.answer for each in found if each.claim is claim)
        told = ", ".join(
            f"{answer} under {count} fault{'' if count == 1 else 's'}"
            for answer in get_args(Answer)
            if (count := answers[answer])
        )
        parts.append(f"that {claim.says} {told}")
    return f"By rank alone, without an interval: {'; '.join(parts)}."


def data(run: Run) -> DataTable:
    """Every point, in the order of the run."""
    return DataTable(
        columns=(
            *("fault", "arm", "offered, 1/s", "service time, ms"),
            *("expected in flight", "in flight at the onset", "of them failed or in doubt"),
            *("capacity, 1/s", "headroom, × the load", "caught up, s"),
            *("served within the SLO, share", "verdict"),
        ),
        rows=tuple(
            (
                *(point.fault, point.name, point.rate_per_s, point.service_ms),
                *(point.expected_in_flight, point.in_flight, point.interrupted),
                *(point.capacity_per_s, point.headroom, caught_up_s(point)),
                *(point.on_time, point.verdict),
            )
            for point in thesis_points(run)
        ),
    )


def _loads(points: Sequence[ThesisPoint]) -> str:
    rates = sorted({point.rate_per_s for point in points})
    return f"{len(points)} arms, offered {', '.join(f'{rate:g}' for rate in rates)} operations/s"


def _draw_panel(axes: Axes, panel: Panel, points: Sequence[ThesisPoint], finding: Finding) -> None:
    rho = finding.reason if finding.rho is None else f"ρ {finding.rho:.2f}"
    axes.set_title(f"{panel.title}: {rho}", fontsize=9)
    axes.set_xlabel(panel.x_label, fontsize=8.5)
    axes.set_ylabel(panel.y_label, fontsize=8.5)
    axes.tick_params(labelsize=8)
    slowest_us = max((point.slower_us for point in points), default=0.0)
    is_empty = True
    for point in points:
        x, y = panel.x(point), panel.y(point)
        if x is None or y is None:
            continue
        is_empty = False
        look = style.look_of(point.strategy)
        axes.plot(
            [x],
            [y],
            linestyle="none",
            marker=look.marker,
            color=look.colour,
            markerfacecolor="none" if point.slower_us else look.colour,
            markersize=5.5 + (5 * point.slower_us / slowest_us if point.slower_us else 0),
            zorder=3,
            clip_on=False,
        )
    if is_empty:
        axes.text(0.5, 0.5, "nothing to show", transform=axes.transAxes, ha="center", fontsize=8.5)
        return
    axes.margins(0.08)
    axes.set_xlim(left=0)
    axes.set_ylim(bottom=0)
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_locator(MaxNLocator(nbins=4, steps=[1, 2, 5, 10]))
    panel.draw_expected(axes, points)
