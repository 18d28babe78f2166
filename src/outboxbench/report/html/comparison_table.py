"""Every comparison of a run as a table: ratios with their intervals, and what was decided."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from outboxbench.analysis.verdict import combine
from outboxbench.report.html.marks import mark_of
from outboxbench.report.html.table import (
    ReportTable,
    Row,
    count,
    figure,
    figure_columns,
    ratio_with_interval,
    share,
    text_columns,
    verdict,
    word,
)
from outboxbench.report.numbers import METRIC_NAMES

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from outboxbench.results.comparison import Comparison
    from outboxbench.results.model import Arm, Run

_LEAST_P_VALUE: Final = 0.001

COMPARISONS_LEGEND: Final = (
    "The figure of an arm divided by that of the other in the same rounds. Differences within the "
    "margin count as none. Advisory metrics decide nothing."
)


def comparison_tables(run: Run) -> Iterator[ReportTable]:
    """Yield a table for each profile that has comparisons, in the order of the run."""
    arms = {arm.name: arm for arm in run.arms}
    profiles = dict.fromkeys(arms[each.head].profile for each in run.comparisons)
    for profile in profiles:
        told = [each for each in run.comparisons if arms[each.head].profile == profile]
        yield ReportTable(
            title=f"Ratios to {run.reference or 'the reference'}, {profile} profile",
            names="arm",
            columns=(
                *text_columns("verdict", "metric"),
                *figure_columns(("ratio\n[95% interval]", "margin\n±%", "p value", "rounds")),
                *text_columns("decision", "against"),
            ),
            rows=tuple(_row(each, arms) for each in told),
        )


def _p_value(value: float) -> str:
    return f"{value:.3f}" if value >= _LEAST_P_VALUE else f"<{_LEAST_P_VALUE}"


def _row(each: Comparison, arms: Mapping[str, Arm]) -> Row:
    head, base = arms[each.head], arms.get(each.base)
    # A ratio is worth no more than the worse of its two sides.
    both = combine(arm.verdict for arm in (head, base) if arm)
    advisory = " (advisory)" if each.is_advisory else ""
    return Row(
        name=each.head,
        cells=(
            verdict(both),
            word(f"{METRIC_NAMES[each.metric]}{advisory}"),
            ratio_with_interval(each.ratio, each.low, each.high),
            share(each.margin, decimals=1),
            figure(each.p_value, _p_value(each.p_value)),
            count(each.rounds),
            word(each.decision),
            word(each.base),
        ),
        mark=mark_of(both),
        strategy=head.strategy,
        loop=head.loop,
        profile=head.profile,
    )
