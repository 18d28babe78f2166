"""Comparisons as tables, within a run and of two: ratios with intervals, and what was decided."""

from __future__ import annotations

import math
from statistics import median
from typing import TYPE_CHECKING, Final

from outboxbench.analysis.comparison import METRICS, logs_by_round
from outboxbench.analysis.verdict import combine
from outboxbench.report.html.marks import decision_mark_of, mark_of
from outboxbench.report.html.table import (
    Cell,
    ReportTable,
    Row,
    count,
    figure,
    figure_columns,
    in_ms,
    ratio_with_interval,
    share,
    text_columns,
    verdict,
    word,
)
from outboxbench.report.numbers import METRIC_NAMES

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from outboxbench.results.comparison import Comparison, Decision, Metric
    from outboxbench.results.document import Verdict
    from outboxbench.results.model import Arm, Run

_LEAST_P_VALUE: Final = 0.001
_HOW_SURE: Final = ("margin\n±%", "p value", "rounds")

COMPARISONS_LEGEND: Final = (
    "The figure of an arm divided by that of the other in the same rounds. Differences within the "
    "margin count as none. Advisory metrics decide nothing."
)
TWO_RUNS_LEGEND: Final = (
    "The figures of base and head are medians over the rounds of each run. Where an arm is held "
    "against a ceiling, each run's own is divided out first, and so the ratio is not head divided "
    "by base alone. Differences within the margin count as none. Advisory metrics decide nothing."
)

_UNITS: Final[dict[Metric, str]] = {
    "ok_per_s": "per s",
    "latency_p50": "ms",
    "client_cpu": "µs/op",
    "latency_p99": "ms",
}


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
                *figure_columns(("ratio\n[95% interval]", *_HOW_SURE)),
                *text_columns("decision", "against"),
            ),
            rows=tuple(_row(each, arms) for each in told),
        )


def two_run_tables(
    base: Run, head: Run, comparisons: Sequence[Comparison]
) -> Iterator[ReportTable]:
    """Yield a table for each metric of each profile, those that decide before the advisory ones."""
    bases = {arm.name: arm for arm in base.arms}
    heads = {arm.name: arm for arm in head.arms}
    kinds = dict.fromkeys((each.metric, heads[each.head].profile) for each in comparisons)
    for metric, profile in sorted(kinds, key=lambda kind: METRICS[kind[0]].is_advisory):
        rule, unit = METRICS[metric], _UNITS[metric]
        yield ReportTable(
            title=f"{METRIC_NAMES[metric]}, {profile} profile",
            names="arm",
            columns=(
                *text_columns("verdict", "decision"),
                *figure_columns(
                    ("head ÷ base\n[95% interval]", f"base\n{unit}", f"head\n{unit}", *_HOW_SURE)
                ),
                *text_columns("held against"),
            ),
            rows=tuple(
                _two_run_row(each, bases[each.base], heads[each.head])
                for each in comparisons
                if (each.metric, heads[each.head].profile) == (metric, profile)
            ),
            notes=(
                f"{'more' if rule.higher_is_better else 'less'} is better",
                "advisory: it decides nothing" if rule.is_advisory else "",
            ),
        )


def _row(each: Comparison, arms: Mapping[str, Arm]) -> Row:
    head, base = arms[each.head], arms.get(each.base)
    # A ratio is worth no more than the worse of its two sides.
    both = combine(arm.verdict for arm in (head, base) if arm)
    advisory = " (advisory)" if each.is_advisory else ""
    return _row_of(
        head,
        both,
        (
            verdict(both),
            word(f"{METRIC_NAMES[each.metric]}{advisory}"),
            ratio_with_interval(each.ratio, each.low, each.high),
            *_how_sure(each),
            word(each.decision),
            word(each.base),
        ),
    )


def _two_run_row(each: Comparison, base: Arm, head: Arm) -> Row:
    both = combine((base.verdict, head.verdict))
    return _row_of(
        head,
        both,
        (
            verdict(both),
            _decision(each.decision),
            ratio_with_interval(each.ratio, each.low, each.high),
            _figure(base, each.metric),
            _figure(head, each.metric),
            *_how_sure(each),
            word(each.control),
        ),
    )


def _row_of(arm: Arm, both: Verdict, cells: tuple[Cell, ...]) -> Row:
    return Row(
        name=arm.name,
        cells=cells,
        mark=mark_of(both),
        strategy=arm.strategy,
        loop=arm.loop,
        profile=arm.profile,
    )


def _how_sure(each: Comparison) -> tuple[Cell, Cell, Cell]:
    return (
        share(each.margin, decimals=1),
        figure(each.p_value, _p_value(each.p_value)),
        count(each.rounds),
    )


def _p_value(value: float) -> str:
    return f"{value:.3f}" if value >= _LEAST_P_VALUE else f"<{_LEAST_P_VALUE}"


def _decision(decision: Decision) -> Cell:
    mark = decision_mark_of(decision)
    return Cell(mark.word, f"{mark.rank}", mark)


def _figure(arm: Arm, metric: Metric) -> Cell:
    logs = logs_by_round(arm, metric)
    value = math.exp(median(logs.values())) if logs else None
    return in_ms(value) if _UNITS[metric] == "ms" else figure(value)
