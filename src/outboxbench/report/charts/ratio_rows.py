"""What a chart of ratios shows: the arms that were compared, table by table."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final, NamedTuple

from outboxbench.analysis.comparable import comparable_arms
from outboxbench.report.numbers import METRIC_NAMES, interval

if TYPE_CHECKING:
    from collections.abc import Mapping

    from outboxbench.analysis.comparable import ComparableArms
    from outboxbench.results.comparison import Comparison, Decision, Metric
    from outboxbench.results.model import Arm, Run

WORDS: Final[dict[Decision, str]] = {
    "improvement": "faster",
    "regression": "slower",
    "same": "same",
    "inconclusive": "not sure",
}

_CLOSED_LOOP_METRICS: tuple[Metric, Metric] = ("ok_per_s", "latency_p50")
_OPEN_LOOP_METRICS: tuple[Metric, Metric] = ("latency_p50", "latency_p99")


class Row(NamedTuple):
    """An arm with what it was compared in."""

    name: str
    arm: Arm
    by_metric: Mapping[Metric, Comparison]


class RatioTable(NamedTuple):
    """Arms that may stand below each other, the best of them on top."""

    arms: ComparableArms
    rows: list[Row]
    metrics: tuple[Metric, Metric]
    title: str

    @property
    def spoken_title(self) -> str:
        """The title with the number of clients."""
        return self.title.replace(self.arms.title, self.arms.spoken_title, 1)

    def in_words(self) -> str:
        """Every ratio with its interval and what was decided."""
        told = [
            f"{row.name} {METRIC_NAMES[metric]} {interval(found)} {WORDS[found.decision]},"
            f" verdict {row.arm.verdict}"
            for row in self.rows
            for metric in self.metrics
            if (found := row.by_metric.get(metric))
        ]
        return f"{self.spoken_title}: {'; '.join(told)}."


def ratio_tables(run: Run) -> list[RatioTable]:
    """The tables of a run that hold a comparison, in the order of its report."""
    by_head: dict[str, dict[Metric, Comparison]] = {}
    for each in run.comparisons:
        by_head.setdefault(each.head, {})[each.metric] = each
    named = {arm.name: arm for arm in run.arms}
    tables = []
    for arms in comparable_arms(run):
        compared = [arm for arm in arms.strategies if arm.name in by_head]
        if not compared:
            continue
        is_open = any(arm.offered_per_s is not None for arm in compared)
        metrics = _OPEN_LOOP_METRICS if is_open else _CLOSED_LOOP_METRICS
        bases = {arm.name: named[_base(by_head[arm.name])] for arm in compared}
        to_reference = all(_is_plain(base, run.reference) for base in bases.values())
        rows = [
            Row(
                name=f"{arms.label(arm)} {arm.loop}"
                f"{'' if to_reference else f' ÷ {arms.label(bases[arm.name])}'}",
                arm=arm,
                by_metric=by_head[arm.name],
            )
            for arm in compared
        ]
        rows.sort(key=lambda row: _badness(row, metrics[0]))
        title = f"{arms.title}, ÷ {run.reference}" if to_reference else arms.title
        tables.append(RatioTable(arms, rows, metrics, title))
    return tables


def _base(found: Mapping[Metric, Comparison]) -> str:
    return next(iter(found.values())).base


def _is_plain(base: Arm, reference: str | None) -> bool:
    return base.strategy == reference and base.copy_number == 1 and not base.busy_wait_us


def _badness(row: Row, metric: Metric) -> float:
    found = row.by_metric.get(metric)
    if found is None:
        return math.inf
    return -found.ratio if metric == "ok_per_s" else found.ratio
