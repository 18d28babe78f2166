"""Compares arms metric by metric, the block being the unit: within a run, and across two runs."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

from outboxbench.analysis.decision import ALPHA, decide, excess_p_value, holm
from outboxbench.analysis.intervals import Paired, Unpaired
from outboxbench.results.comparison import Comparison, Metric

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from outboxbench.analysis.intervals import LogRatios
    from outboxbench.results.block import Block
    from outboxbench.results.model import Arm

MIN_ROUNDS = 2
"""With fewer there is no spread, and so no interval."""


@dataclass(frozen=True, slots=True)
class MetricRule:
    """How a metric is read off a block, and what its change means."""

    read: Callable[[Block], float | None]
    higher_is_better: bool
    is_advisory: bool


METRICS: Final[Mapping[Metric, MetricRule]] = {
    "ok_per_s": MetricRule(lambda block: block.ok_per_s, higher_is_better=True, is_advisory=False),
    "latency_p50": MetricRule(
        lambda block: block.latency_us.p50, higher_is_better=False, is_advisory=False
    ),
    "client_cpu": MetricRule(
        lambda block: block.counters.client_cpu_us_per_op, higher_is_better=False, is_advisory=True
    ),
    "latency_p99": MetricRule(
        lambda block: block.latency_us.p99, higher_is_better=False, is_advisory=True
    ),
}
"""In the order in which comparisons are told."""


@dataclass(frozen=True, slots=True)
class Judging:
    """Which metrics decide, and how often that may go wrong.

    Args:
        deciding: the metrics that may fail a build; the others are advisory.
        is_one_question: Holm's correction goes over the pairs of a run as well: whether any of them
            has changed is one question, where else each pair is a question of its own.
        looks_again: what was measured is looked at several times, until it decides; the first look
            may then err half as often, and each later one half as often as the one before, so that
            all of them together err no more often than one.
    """

    deciding: frozenset[Metric] = frozenset(
        metric for metric, rule in METRICS.items() if not rule.is_advisory
    )
    is_one_question: bool = False
    looks_again: bool = False

    def alpha(self, look: int) -> float:
        """Return how often a look, counted from 1, may take what is within the margin for more."""
        return ALPHA / 2**look if self.looks_again else ALPHA


USUAL: Final = Judging()
REGRESSIONS: Final = Judging(
    deciding=USUAL.deciding | {"client_cpu"}, is_one_question=True, looks_again=True
)
"""Head against base, both measured by turns until it is decided."""

Margins = Callable[[Metric, int], float]
"""δ by metric and number of rounds: the share up to which an effect counts as none."""


class Side(NamedTuple):
    """One side of a comparison across runs."""

    arm: Arm
    control: Arm | None
    """Of the same run: what changed the machine between the two runs changed it as well."""


def logs_by_round(arm: Arm, metric: Metric) -> dict[int, float]:
    """Logarithm of the metric in each round that has it.

    A value that is unknown or 0 has none, and the throughput of an open loop is not the arm's own.
    """
    if metric == "ok_per_s" and arm.offered_per_s is not None:
        return {}
    values = ((block.round, METRICS[metric].read(block)) for block in arm.blocks)
    return {number: math.log(value) for number, value in values if value}


def compare_arms(
    pairs: Sequence[tuple[Arm, Arm]], margins: Margins, judging: Judging = USUAL, look: int = 1
) -> tuple[Comparison, ...]:
    """Compare the second arm of each pair with the first, which took part in the same rounds.

    Metrics with fewer than MIN_ROUNDS rounds in common are left out. `margins` should be those of
    paired rounds. Holm's correction goes over the metrics of a pair: over those that decide,
    and apart from them over the advisory ones. `look` counts the times that what was measured has
    been looked at.
    """
    return _judge(_paired(pairs, margins), judging, judging.alpha(look))


def compare_unpaired(
    pairs: Sequence[tuple[Side, Side]], margins: Margins
) -> tuple[Comparison, ...]:
    """Compare the second side of each pair with the first, from another run, as `compare_arms`.

    Each side is first set against its control, round by round. A metric that either control lacks,
    and controls of different names, are compared without. `margins` should be those of unpaired
    rounds. What differs from run to run in an arm alone, not in its control, no test within two
    runs can tell from an effect.
    """
    return _judge(_unpaired(pairs, margins), USUAL, ALPHA)


def inconclusive(comparisons: Iterable[Comparison]) -> list[Comparison]:
    """Return those that should decide and could not: more rounds are worth measuring, once."""
    return [
        comparison
        for comparison in comparisons
        if comparison.decision == "inconclusive" and not comparison.is_advisory
    ]


@dataclass(frozen=True, slots=True)
class _Question:
    base: str
    head: str
    control: str | None
    metric: Metric
    log_ratios: LogRatios
    margin: float

    @property
    def rule(self) -> MetricRule:
        return METRICS[self.metric]


def _paired(pairs: Sequence[tuple[Arm, Arm]], margins: Margins) -> Iterator[_Question]:
    for base, head in pairs:
        for metric in METRICS:
            differences = [
                *_differences(logs_by_round(head, metric), logs_by_round(base, metric)).values()
            ]
            if len(differences) >= MIN_ROUNDS:
                log_ratios = Paired(differences)
                margin = margins(metric, log_ratios.rounds)
                yield _Question(base.name, head.name, None, metric, log_ratios, margin)


def _unpaired(pairs: Sequence[tuple[Side, Side]], margins: Margins) -> Iterator[_Question]:
    for base, head in pairs:
        for metric in METRICS:
            control, log_ratios = _samples(base, head, metric)
            if log_ratios:
                margin = margins(metric, log_ratios.rounds)
                yield _Question(base.arm.name, head.arm.name, control, metric, log_ratios, margin)


def _samples(base: Side, head: Side, metric: Metric) -> tuple[str | None, Unpaired | None]:
    """The logarithms of both sides, and the name of the control that they were set against."""
    base_logs = logs_by_round(base.arm, metric)
    head_logs = logs_by_round(head.arm, metric)
    if base.control and head.control and base.control.name == head.control.name:
        controlled = _unpaired_or_none(
            _differences(base_logs, logs_by_round(base.control, metric)),
            _differences(head_logs, logs_by_round(head.control, metric)),
        )
        if controlled:
            return head.control.name, controlled
    return None, _unpaired_or_none(base_logs, head_logs)


def _unpaired_or_none(base: Mapping[int, float], head: Mapping[int, float]) -> Unpaired | None:
    if min(len(base), len(head)) < MIN_ROUNDS:
        return None
    return Unpaired([*base.values()], [*head.values()])


def _differences(logs: Mapping[int, float], others: Mapping[int, float]) -> dict[int, float]:
    """logs - others in each round that both have, in the order of the rounds."""
    return {number: logs[number] - others[number] for number in sorted(logs.keys() & others.keys())}


def _judge(
    questions: Iterable[_Question], judging: Judging, alpha: float
) -> tuple[Comparison, ...]:
    families: dict[tuple[str, str] | None, list[_Question]] = {}
    for question in questions:
        pair = None if judging.is_one_question else (question.base, question.head)
        families.setdefault(pair, []).append(question)
    return tuple(
        answer for asked in families.values() for answer in _judge_family(asked, judging, alpha)
    )


def _judge_family(
    asked: Sequence[_Question], judging: Judging, alpha: float
) -> Iterator[Comparison]:
    """Correct over all that one question is about."""
    adjusted = {decides: _adjusted(asked, judging, decides) for decides in (False, True)}
    for question in asked:
        decides = question.metric in judging.deciding
        yield _answer(question, next(adjusted[decides]), alpha, is_advisory=not decides)


def _adjusted(questions: Iterable[_Question], judging: Judging, decides: bool) -> Iterator[float]:
    """The corrected p-values of one kind, in the order of the questions."""
    return iter(
        holm(
            [
                excess_p_value(question.log_ratios.mean(), question.margin)
                for question in questions
                if (question.metric in judging.deciding) == decides
            ]
        )
    )


def _answer(question: _Question, p_value: float, alpha: float, *, is_advisory: bool) -> Comparison:
    log_ratios, rule = question.log_ratios, question.rule
    mean = log_ratios.mean()
    interval = mean.t_interval()
    bootstrap = log_ratios.bootstrap_interval()
    return Comparison(
        base=question.base,
        head=question.head,
        metric=question.metric,
        control=question.control,
        rounds=log_ratios.rounds,
        ratio=interval.ratio,
        low=interval.low,
        high=interval.high,
        bootstrap_low=bootstrap.low,
        bootstrap_high=bootstrap.high,
        hodges_lehmann=log_ratios.hodges_lehmann(),
        margin=question.margin,
        p_value=p_value,
        decision=decide(
            mean, question.margin, p_value, alpha, higher_is_better=rule.higher_is_better
        ),
        is_advisory=is_advisory,
    )
