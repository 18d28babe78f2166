"""Charts of two runs by their names, so that each stands beside its like."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from outboxbench.report.html.charts import chart_sections

if TYPE_CHECKING:
    from outboxbench.report.html.charts import ChartSection
    from outboxbench.report.html.inputs import ComparedRun

BASE: Final = "base"
HEAD: Final = "head"


@dataclass(frozen=True, slots=True)
class ChartOfOne:
    """What one run has of a chart, or why it has none of it.

    Args:
        role: of the run, base or head.
        run_name: what the run is called.
        section: the chart, where the run has it.
        reason: why it has not, else.
    """

    role: str
    run_name: str
    section: ChartSection | None
    reason: str


@dataclass(frozen=True, slots=True)
class ChartPair:
    """A chart that one run has at least, under what both have in common."""

    title: str
    reading: str
    sides: tuple[ChartOfOne, ChartOfOne]


def chart_pairs(base: ComparedRun, head: ComparedRun) -> tuple[ChartPair, ...]:
    """Pair the charts in the order of the base; those of the head alone come last.

    What there is room for in a file is shared by all of them.
    """
    runs = ((BASE, base), (HEAD, head))
    drawn = [{chart.name: chart for chart in run.charts} for _, run in runs]
    names = tuple(dict.fromkeys(name for charts in drawn for name in charts))
    # One after the other as they are shown: both sides of a pair have the same chance to be.
    all_charts = [charts[name] for name in names for charts in drawn if name in charts]
    sections = iter(chart_sections(all_charts))
    pairs = []
    for name in names:
        one, other = (
            ChartOfOne(
                role=role,
                run_name=run.name,
                section=next(sections) if name in charts else None,
                reason=run.left_out.get(name, "it was not drawn"),
            )
            for (role, run), charts in zip(runs, drawn, strict=True)
        )
        chart = next(charts[name] for charts in drawn if name in charts)
        pairs.append(ChartPair(chart.title, chart.reading, (one, other)))
    return tuple(pairs)


def left_out_of_both(base: ComparedRun, head: ComparedRun) -> dict[str, str]:
    """Why neither run has a chart, by its name; two reasons where they are not the same."""
    drawn = {chart.name for run in (base, head) for chart in run.charts}
    found = {}
    for name in dict.fromkeys((*base.left_out, *head.left_out)):
        if name in drawn:
            continue
        reasons = [
            (role, run.left_out[name])
            for role, run in ((BASE, base), (HEAD, head))
            if name in run.left_out
        ]
        alike = {reason for _, reason in reasons}
        apart = "; ".join(f"{role}: {reason}" for role, reason in reasons)
        found[name] = alike.pop() if len(alike) == 1 else apart
    return found
