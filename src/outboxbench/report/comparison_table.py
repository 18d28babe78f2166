"""Two runs against each other on the terminal: ratios with intervals for each arm and metric."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Group
from rich.text import Text

from outboxbench.analysis.two_runs import common_arms, software_differences
from outboxbench.report.figures_table import figures_table
from outboxbench.report.numbers import METRIC_NAMES, interval

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rich.console import RenderableType
    from rich.table import Table

    from outboxbench.results.comparison import Comparison, Decision
    from outboxbench.results.model import Run

DECISION_STYLES: dict[Decision, str] = {
    "regression": "bold red",
    "improvement": "green",
    "same": "",
    "inconclusive": "yellow",
}


def comparison_report(
    base: Run,
    head: Run,
    comparisons: Sequence[Comparison],
    doubts: Sequence[str],
    *,
    is_calibrated: bool,
) -> RenderableType:
    """Every comparison, what the runs differ in, and every reason for doubt; fits 80 columns."""
    changes = software_differences(base, head)
    notes = comparison_notes(base, head, comparisons, is_calibrated=is_calibrated)
    return Group(
        Text(f"suite {base.suite}: head of {_when(head)} against base of {_when(base)}", "bold"),
        Text(f"software: {', '.join(changes) or 'the same'}", style="dim"),
        Text(),
        _table(comparisons),
        Text(),
        *(Text(line, style="dim") for line in notes),
        *(Text.assemble(("Warning: ", "yellow"), doubt) for doubt in doubts),
    )


def _when(run: Run) -> str:
    return f"{run.started_at:%Y-%m-%d %H:%M} ({run.rounds} rounds, verdict {run.verdict})"


def _table(comparisons: Sequence[Comparison]) -> Table:
    table = figures_table("", ("arm, metric",), ("head/base",), ("decision",), gap=3)
    earlier = ""
    for each in comparisons:
        if each.head != earlier:
            table.add_row(Text(each.head, style="bold"))
            earlier = each.head
        advisory = " (advisory)" if each.is_advisory else ""
        table.add_row(
            Text(f"  {METRIC_NAMES[each.metric]}{advisory}"),
            interval(each),
            Text(each.decision, style=DECISION_STYLES[each.decision]),
            style="dim" if each.is_advisory else "",
        )
    return table


def comparison_notes(
    base: Run, head: Run, comparisons: Sequence[Comparison], *, is_calibrated: bool
) -> Iterator[str]:
    """Say which arms have no like, what counts as none, and what was held against what."""
    yield from _left_out(base, head)
    yield from _notes(comparisons, is_calibrated=is_calibrated)


def _left_out(base: Run, head: Run) -> Iterator[str]:
    common = {arm.name for arm, _ in common_arms(base, head)}
    for name, run in (("base", base), ("head", head)):
        alone = [arm.name for arm in run.arms if arm.role == "strategy" and arm.name not in common]
        if alone:
            yield f"only in the {name}: {', '.join(alone)}"


def _notes(comparisons: Sequence[Comparison], *, is_calibrated: bool) -> Iterator[str]:
    margins = [each.margin for each in comparisons if not each.is_advisory]
    if not margins:
        yield "no metric was measured in two rounds of both runs"
        return
    least, most = min(margins), max(margins)
    span = f"{least:.1%}" if least == most else f"{least:.1%} to {most:.1%}"
    source = "by the calibration of this machine" if is_calibrated else "without a calibration"
    yield f"differences within {span} count as none, {source}; 95% intervals"
    if any(each.control is None for each in comparisons):
        yield "without a ceiling in both runs, what the machine did between them is in the ratios"
    else:
        yield "each arm is held against the ceiling of its own run first, as the runs were apart"
