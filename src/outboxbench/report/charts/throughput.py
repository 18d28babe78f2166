"""Throughput: an arm's median as a bar, each of its rounds as a dot, the ceiling as a line."""

from __future__ import annotations

from typing import TYPE_CHECKING

from outboxbench.analysis.answers.measured import logs
from outboxbench.analysis.comparable import comparable_arms
from outboxbench.report import style
from outboxbench.report.charts import frame, grid, throughput_bars
from outboxbench.report.charts.data_table import DataTable
from outboxbench.report.charts.findings import lead_over, over_rounds, sentence
from outboxbench.report.charts.throughput_grid import small_panel
from outboxbench.report.numbers import percent, three_digits

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.figure import Figure

    from outboxbench.analysis.comparable import ComparableArms
    from outboxbench.results.model import Run, Summary

TITLE = "Throughput"
SHOWS = "ok operations per second of each arm, every round, against the ceiling"
NEEDS = "a strategy in a closed loop"
READING = (
    "Longer bars do more; where the dots or whiskers of two bars cover the same stretch, their"
    " rounds overlap and the order may be chance."
)


def draw(run: Run) -> Figure:
    """Draw one panel for each comparable set of arms, the fastest arm on top.

    Raises NoDataError when no strategy was measured in a closed loop.
    """
    panels = _panels(run)
    if not panels:
        raise frame.NoDataError("no strategy was measured in a closed loop")
    full_in = sum(map(throughput_bars.height_in, panels))
    small = [small_panel(arms) for arms in panels] if full_in > grid.TALLEST_IN else []
    with style.applied():
        figure = frame.new_figure(
            frame.Footer.of_run(run),
            title=TITLE,
            subtitle="Committed operations per second; longer is better.\n"
            "A bar is the median of an arm's rounds, "
            + ("whiskers are their range." if small else "a dot is one round."),
            key=throughput_bars.bar_key() + (() if small else throughput_bars.round_key()),
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
        throughput_bars.draw_panel(figure, arms, top_in=top_in)
        top_in += throughput_bars.height_in(arms)


def describe(run: Run) -> str:
    """The chart in words: every arm's figure with its verdict, fastest first."""
    return " ".join(
        f"{arms.spoken_title}: "
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
    """Say who is fastest in each table, and by how much it is ahead of the next."""
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
        else f", in the median round {percent(most.ceiling_ratio_median)} of that round's ceiling"
    )
    told = (
        f"{arms.spoken_title}: {arms.label(arm)} {arm.loop} is fastest with"
        f" {three_digits(most.ok_per_s_median)} ok/s ({_rounds_text(most)}){share}"
    )
    if len(ranked) == 1:
        return told
    other, less = ranked[1]
    ahead = lead_over(
        f"{arms.label(other)} {other.loop} with {three_digits(less.ok_per_s_median)}",
        logs(arm, "ok_per_s"),
        logs(other, "ok_per_s"),
        "as much as",
    )
    return f"{told}; {ahead}"


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
