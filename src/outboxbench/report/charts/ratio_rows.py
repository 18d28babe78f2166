"""What a chart of ratios shows: the arms that were compared, table by table."""

from __future__ import annotations

import math
import re
from itertools import takewhile
from typing import TYPE_CHECKING, Final, NamedTuple

from outboxbench.analysis.comparable import comparable_arms
from outboxbench.report.divisors import place
from outboxbench.report.numbers import METRIC_NAMES, interval

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from outboxbench.analysis.comparable import ComparableArms
    from outboxbench.results.comparison import Comparison, Decision, Metric
    from outboxbench.results.model import Arm, Run

WORDS: Final[dict[Decision, str]] = {
    "improvement": "faster",
    "regression": "slower",
    "same": "same",
    "inconclusive": "not sure",
}

_WORD: Final = re.compile(r"[^ =]*[ =]*")

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
        omitted = _omitted(compared, bases)
        rows = [
            Row(
                name=_name(arms, arm, None if to_reference else bases[arm.name], omitted),
                arm=arm,
                by_metric=by_head[arm.name],
            )
            for arm in compared
        ]
        rows.sort(key=lambda row: _badness(row, metrics[0]))
        beyond = f"÷ {run.reference}" if to_reference else ", ".join(f"{each}…" for each in omitted)
        title = f"{arms.title}, {beyond}" if beyond else arms.title
        tables.append(RatioTable(arms, rows, metrics, title))
    return tables


def _base(found: Mapping[Metric, Comparison]) -> str:
    return next(iter(found.values())).base


def _is_plain(base: Arm, reference: str | None) -> bool:
    return (
        base.strategy == reference
        and base.copy_number == 1
        and not base.busy_wait_us
        and place(base) is None
    )


def _name(arms: ComparableArms, arm: Arm, base: Arm | None, omitted: Sequence[str]) -> str:
    """The arm, and what it is divided by unless the title says so for all."""
    if base is None:
        return f"{arms.label(arm)} {arm.loop}"
    here, there = place(arm), place(base)
    if here is None or there is None:
        return f"{arms.label(arm)} {arm.loop} ÷ {arms.label(base)}"
    loops = {each.loop for each in arms.strategies}
    name = arm.strategy if len(loops) == 1 else f"{arm.strategy} {arm.loop}"
    if arm.strategy == base.strategy:
        shared = len(_shared(here, there))
        return f"{name}, {here[shared:]} ÷ {there[shared:]}"
    # Where the title leaves out several beginnings, nobody could tell which one is missing here.
    beginning = omitted[0] if len(omitted) == 1 else ""
    return f"{name} ÷ {base.strategy}, {here.removeprefix(beginning)}"


def _omitted(compared: Sequence[Arm], bases: Mapping[str, Arm]) -> list[str]:
    """What the names of versions or of servers have in common, which rows leave out."""
    found = {
        _shared(here, there)
        for arm in compared
        if (here := place(arm)) is not None
        and (there := place(bases[arm.name])) is not None
        and here != there
    }
    return sorted(each for each in found if each)


def _shared(text: str, other: str) -> str:
    """The words that both begin with: of asyncpg==0.30.0 and asyncpg==0.31.0 it is asyncpg==."""
    words, others = _WORD.findall(text)[:-1], _WORD.findall(other)[:-1]
    pairs = takewhile(lambda pair: pair[0] == pair[1], zip(words[:-1], others[:-1], strict=False))
    return "".join(word for word, _ in pairs)


def _badness(row: Row, metric: Metric) -> float:
    found = row.by_metric.get(metric)
    if found is None:
        return math.inf
    return -found.ratio if metric == "ok_per_s" else found.ratio
