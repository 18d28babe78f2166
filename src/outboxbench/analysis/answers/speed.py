"""Which strategy does most, and which answers soonest when all are offered the same."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from outboxbench.analysis.answers.answer import Answer
from outboxbench.analysis.answers.first import who_is_first
from outboxbench.analysis.answers.measured import (
    closed_loops,
    logs,
    margin,
    rounds_of,
    same_rate,
)
from outboxbench.analysis.answers.ranking import Contender, rank
from outboxbench.analysis.answers.words import figure, listed, milliseconds
from outboxbench.analysis.comparison import METRICS, MIN_ROUNDS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from outboxbench.analysis.answers.measured import Table
    from outboxbench.analysis.answers.ranking import Ranking
    from outboxbench.results.comparison import Metric
    from outboxbench.results.model import Arm, Run

MOST_WORK: Final = "Which strategy for throughput?"
SHORTEST_TAIL: Final = "Which strategy for tail latency at the same load?"

_KEEPS_UP: Final = 0.001
"""Share of arrivals that may be skipped: beyond, latencies are those of whoever got through."""


@dataclass(frozen=True, slots=True)
class Ranked:
    """The strategies of a table in one metric, and their arms by name."""

    table: Table
    metric: Metric
    ranking: Ranking
    arms: dict[str, Arm]


def most_work(run: Run) -> Ranked | None:
    """Rank the strategies of the table that stands for the others by ok/s."""
    return next(_ranked(run, closed_loops(run), "ok_per_s"), None)


def throughput(run: Run) -> Iterator[Answer]:
    """Say which strategy does most in a closed loop."""
    if found := most_work(run):
        yield _answer(run, MOST_WORK, found, [*_ranked(run, closed_loops(run), "ok_per_s")])


def tail_latency(run: Run) -> Iterator[Answer]:
    """Say which strategy keeps its latency lowest at a rate that all were offered.

    By the 99th percentile where rounds have one for most arms, or else by the median.
    """
    tables = same_rate(run)
    arms = [arm for table in tables[:1] for arm in table.on_one_loop()]
    with_tail = [arm for arm in arms if len(logs(arm, "latency_p99")) >= MIN_ROUNDS]
    metric: Metric = "latency_p99" if len(with_tail) == len(arms) else "latency_p50"
    found = [*_ranked(run, tables, metric)]
    if found:
        yield _answer(run, SHORTEST_TAIL, found[0], found)


def _ranked(run: Run, tables: Sequence[Table], metric: Metric) -> Iterator[Ranked]:
    sign = 1 if METRICS[metric].higher_is_better else -1
    for table in tables:
        arms = {arm.strategy: arm for arm in table.on_one_loop() if _keeps_up(arm)}
        contenders = [
            Contender(name, {key: sign * value for key, value in logs(arm, metric).items()})
            for name, arm in arms.items()
        ]
        if ranking := rank(contenders, margin(run, metric)):
            yield Ranked(table, metric, ranking, arms)


def _keeps_up(arm: Arm) -> bool:
    assert arm.summary is not None
    outcomes = arm.summary.outcomes
    return arm.offered_per_s is None or outcomes.skipped <= _KEEPS_UP * outcomes.attempted


def _answer(run: Run, question: str, found: Ranked, all_found: Sequence[Ranked]) -> Answer:
    sentence = _first(found)
    exceptions = [text for each in all_found if (text := _elsewhere(each, found))]
    if exceptions:
        sentence += f" Elsewhere another leads: {listed(exceptions, most=3)}."
    return Answer(question, sentence, _grounds(run, found))


def _first(found: Ranked) -> str:
    return who_is_first(
        found.ranking,
        lambda name: _own_figure(found.arms[name], found.metric),
        "as much as" if found.metric == "ok_per_s" else "as fast as",
    )


def _own_figure(arm: Arm, metric: Metric) -> str:
    assert arm.summary is not None
    if metric == "ok_per_s":
        return f"{figure(arm.summary.ok_per_s_median)} ok/s"
    latency = arm.summary.latency_us
    value_us = latency.p99 if metric == "latency_p99" else latency.p50
    share = "99%" if metric == "latency_p99" else "half"
    return f"{share} within {milliseconds((value_us or 0.0) / 1000)}"


def _elsewhere(other: Ranked, found: Ranked) -> str | None:
    """Who surely leads in another table, where that is nobody of the first one's front."""
    if other.ranking.tied or other.ranking.first in found.ranking.front:
        return None
    usual = found.table.title.split(", ")
    unusual = [part for part in other.table.title.split(", ") if part not in usual]
    return f"{other.ranking.first} ({', '.join(unusual) or other.table.title})"


def _grounds(run: Run, found: Ranked) -> str:
    arms = [*found.arms.values()]
    rate = arms[0].offered_per_s
    offered = "" if rate is None else f", {figure(rate)} operations offered per second"
    return (
        f"{found.table.title}, {found.table.loop}{offered}; medians of {rounds_of(arms)}; ratios "
        f"are means over rounds [95% interval], and up to {margin(run, found.metric):.0%} counts "
        "as no difference"
    )
