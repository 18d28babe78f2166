"""Draining a backlog: messages per second as a bar for each relay, each round as a dot."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator, StrMethodFormatter

from outboxbench.analysis.answers.relay_plan import speed_logs
from outboxbench.analysis.relay_panels import relay_panels
from outboxbench.report import style
from outboxbench.report.charts import frame, relay_names
from outboxbench.report.charts.data_table import DataTable
from outboxbench.report.charts.findings import lead_over, over_rounds, sentence
from outboxbench.report.numbers import three_digits

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from outboxbench.analysis.relay_panels import RelayPanel
    from outboxbench.results.model import Run
    from outboxbench.results.relay import RelayArm, RelaySummary

TITLE = "Draining a backlog"
SHOWS = "messages per second that relays deliver, by strategy, plan and batch size"
NEEDS = "relays that drained a backlog"
READING = (
    "Longer bars deliver faster; where the dots of two bars cover the same stretch, their rounds"
    " overlap and the order may be chance."
)

_ROW_IN = 0.3
_HEADING_IN = 0.55
_AXIS_IN = 0.75
_LEFT_IN = frame.LEFT_IN + relay_names.WIDTH_IN
_WIDTH_IN = frame.WIDTH_IN - _LEFT_IN - 3.1
_RATE_IN = 0.75
_RATIO_IN = 2.1
_VERDICT_IN = 2.25
PLAN_HATCHES = {"lease": "", "delete": "////", "sharded": "....", "log": "\\\\\\\\"}


def draw(run: Run) -> Figure:
    """Draw one panel for each backlog, the fastest relay on top.

    Raises NoDataError when no backlog was drained.
    """
    panels = relay_panels(run, "drain")
    if not panels:
        raise frame.NoDataError("no backlog was drained")
    with style.applied():
        figure = frame.new_figure(
            frame.Footer.of_run(run),
            title=TITLE,
            subtitle="Messages delivered and settled per second; longer is better.\n"
            "A bar is the median of an arm's rounds, a dot is one round; "
            f"÷: strategies to {run.reference}, its plans to its plan lease.",
            key=_key(panels),
            panels_in=sum(_height_in(panel) for panel in panels),
        )
        top_in = frame.TOP_IN
        for panel in panels:
            frame.write_heading(figure, panel.title, panel.settings_text, at_in=top_in)
            axes = frame.place(
                figure,
                left_in=_LEFT_IN,
                top_in=top_in + _HEADING_IN,
                width_in=_WIDTH_IN,
                height_in=_ROW_IN * len(panel.arms),
            )
            _draw_panel(axes, panel)
            top_in += _height_in(panel)
    return figure


def describe(run: Run) -> str:
    """The chart in words: every arm's figure with its verdict, fastest first."""
    return " ".join(
        f"{panel.title}: "
        + "; ".join(
            f"{panel.label(arm)} {three_digits(arm.summary.delivered_per_s_median)} messages/s, "
            f"verdict {arm.verdict}"
            for arm in panel.arms
            if arm.summary
        )
        + "."
        for panel in relay_panels(run, "drain")
    )


def finding(run: Run) -> str:
    """Say which relay is fastest at each backlog, and by how much it is ahead of the next."""
    told = [_fastest(panel) for panel in relay_panels(run, "drain")]
    return sentence([each for each in told if each])


def data(run: Run) -> DataTable:
    """The bars with their rounds."""
    return DataTable(
        columns=(
            *("backlog", "settings", "relay"),
            *("messages/s, median", "messages/s, least", "messages/s, most", "rounds"),
            *("÷ reference", "÷ reference, low 95%", "÷ reference, high 95%", "verdict"),
        ),
        rows=tuple(
            (
                *(panel.title, panel.settings_text, panel.label(arm)),
                *(summary.delivered_per_s_median, *_range(summary), summary.rounds),
                *((ratio.ratio, ratio.low, ratio.high) if ratio else (None, None, None)),
                arm.verdict,
            )
            for panel in relay_panels(run, "drain")
            for arm in panel.arms
            if (summary := arm.summary)
            for ratio in (summary.ratio,)
        ),
    )


def _fastest(panel: RelayPanel) -> str:
    ranked = [(arm, summary) for arm in panel.arms if (summary := arm.summary)]
    if not ranked:
        return ""
    arm, most = ranked[0]
    least_text, most_text = map(three_digits, _range(most))
    told = (
        f"{panel.title}: {panel.label(arm)} is fastest with"
        f" {three_digits(most.delivered_per_s_median)} messages/s"
        f" ({over_rounds(least_text, most_text, most.rounds)})"
    )
    if len(ranked) == 1:
        return told
    other, less = ranked[1]
    ahead = lead_over(
        f"{panel.label(other)} with {three_digits(less.delivered_per_s_median)}",
        speed_logs(arm),
        speed_logs(other),
        "as much as",
    )
    return f"{told}; {ahead}"


def _range(summary: RelaySummary) -> tuple[float, float]:
    return summary.delivered_per_s_min, summary.delivered_per_s_max


def _height_in(panel: RelayPanel) -> float:
    return _HEADING_IN + _ROW_IN * len(panel.arms) + _AXIS_IN


def _draw_panel(axes: Axes, panel: RelayPanel) -> None:
    summaries = [arm.summary for arm in panel.arms if arm.summary]
    fastest = max((summary.delivered_per_s_max for summary in summaries), default=0.0)
    axes.set_xlim(0, 1.03 * fastest or 1)
    axes.set_ylim(len(panel.arms) - 0.5, -0.5)
    axes.set_yticks([])
    axes.xaxis.set_major_locator(MaxNLocator(5))
    axes.xaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
    axes.set_xlabel("messages per second", fontsize=9)
    for row, arm in enumerate(panel.arms):
        if arm.summary:
            _draw_bar(axes, row, arm, arm.summary)
        _write_row(axes, 1 - (row + 0.5) / len(panel.arms), panel, arm)
    write = partial(frame.write_beside, axes, level=1 + 0.35 / len(panel.arms), colour=style.FAINT)
    write("messages/s", right_in=_RATE_IN, align="right")
    write("÷ reference", right_in=_RATIO_IN, align="right")
    write("verdict", right_in=_VERDICT_IN, align="left")


def _draw_bar(axes: Axes, row: int, arm: RelayArm, summary: RelaySummary) -> None:
    look = style.look_of(arm.strategy)
    trusted = arm.verdict == "pass"
    axes.barh(
        row,
        summary.delivered_per_s_median,
        height=0.66,
        color=look.colour if trusted else "white",
        edgecolor="white" if trusted else style.ALARM,
        hatch=PLAN_HATCHES.get(arm.plan, "") if trusted else style.DOUBT_HATCH,
        linewidth=0 if trusted else 1,
    )
    axes.plot(
        [block.delivered_per_s for block in arm.blocks],
        [row] * len(arm.blocks),
        linestyle="none",
        marker=look.marker,
        markersize=4,
        markerfacecolor=style.INK,
        markeredgecolor="white",
        markeredgewidth=0.6,
        clip_on=False,
    )


def _write_row(axes: Axes, level: float, panel: RelayPanel, arm: RelayArm) -> None:
    write = partial(frame.write_beside, axes, level=level, colour=relay_names.colour(arm))
    name = relay_names.whole_name(panel, arm)
    write(name, left_in=0.12, align="right", size=relay_names.SIZE)
    if summary := arm.summary:
        write(three_digits(summary.delivered_per_s_median), right_in=_RATE_IN, align="right")
        if ratio := summary.ratio:
            text = f"{ratio.ratio:.2f} [{ratio.low:.2f}, {ratio.high:.2f}]"
            write(text, right_in=_RATIO_IN, align="right")
    write(style.verdict_text(arm.verdict), right_in=_VERDICT_IN, align="left")


def _key(panels: Sequence[RelayPanel]) -> Sequence[Artist]:
    plans = {arm.plan for panel in panels for arm in panel.arms}
    return (
        *(
            Patch(
                facecolor=style.FAINT,
                edgecolor="white",
                linewidth=0,
                hatch=hatch,
                label=f"plan {plan}",
            )
            for plan, hatch in PLAN_HATCHES.items()
            if plan in plans
        ),
        Line2D(
            [], [], linestyle="none", marker="o", markersize=5, color=style.INK, label="one round"
        ),
    )
