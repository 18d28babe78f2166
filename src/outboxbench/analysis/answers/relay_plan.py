"""Which relay plan delivers most, or soonest."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Final, NamedTuple

from outboxbench.analysis.answers.answer import Answer
from outboxbench.analysis.answers.first import who_is_first
from outboxbench.analysis.answers.ranking import Contender, rank
from outboxbench.analysis.answers.words import counted, figure, listed, milliseconds
from outboxbench.analysis.decision import MIN_MARGIN
from outboxbench.analysis.relay_panels import hop_p50_us, relay_panels

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from outboxbench.analysis.answers.ranking import Ranking
    from outboxbench.analysis.relay_panels import RelayPanel
    from outboxbench.results.model import Run
    from outboxbench.results.relay import RelayArm, RelayBlock, RelayScenario

QUESTIONS: Final[dict[RelayScenario, str]] = {
    "drain": "Which relay plan to drain a backlog?",
    "chain": "Which relay plan for short delays?",
}


class _Ranked(NamedTuple):
    """The plans of arms that are alike in all else."""

    panel: RelayPanel
    arms: dict[str, RelayArm]
    ranking: Ranking


def relay_plan(run: Run) -> Iterator[Answer]:
    """Say for each load which plan is first, over the reference strategy where it was measured."""
    for scenario, question in QUESTIONS.items():
        found = sorted(_ranked(run, scenario), key=lambda each: _place(run, each))
        if found:
            yield _answer(question, scenario, found[0], found)


def _ranked(run: Run, scenario: RelayScenario) -> Iterator[_Ranked]:
    for panel in relay_panels(run, scenario):
        groups: dict[str, dict[str, RelayArm]] = {}
        for arm in panel.arms:
            if arm.verdict == "pass" and arm.summary is not None:
                groups.setdefault(_likeness(arm), {})[arm.plan] = arm
        for arms in groups.values():
            contenders = [Contender(plan, speed_logs(arm)) for plan, arm in arms.items()]
            if ranking := rank(contenders, MIN_MARGIN):
                yield _Ranked(panel, arms, ranking)


def _likeness(arm: RelayArm) -> str:
    return json.dumps(
        [arm.strategy, arm.loop, arm.broker, arm.relays, arm.settings], sort_keys=True
    )


def speed_logs(arm: RelayArm) -> dict[str, float]:
    """By round, the logarithm of messages per second, or of one over the median delay."""
    found = {}
    for block in arm.blocks:
        value = block.delivered_per_s if arm.scenario == "drain" else _speed(block)
        if value:
            found[f"{block.round:06d}"] = math.log(value)
    return found


def _speed(block: RelayBlock) -> float | None:
    """The shorter a delivery takes, the higher."""
    p50_us = next((each.latency_us.p50 for each in block.hops if each.hop == "delivery"), None)
    return 1 / p50_us if p50_us else None


def _place(run: Run, found: _Ranked) -> tuple[object, ...]:
    arm = next(iter(found.arms.values()))
    return (
        arm.strategy != (run.reference or "asyncpg"),
        arm.broker != "memory",
        # The load that most was measured under.
        -len(found.panel.arms),
        -len(found.arms),
        arm.relays,
        found.panel.title,
        _likeness(arm),
    )


def _answer(
    question: str, scenario: RelayScenario, found: _Ranked, all_found: Sequence[_Ranked]
) -> Answer:
    arms, ranking = found.arms, found.ranking
    sentence = who_is_first(
        ranking,
        lambda plan: _figure(arms[plan]),
        "as many as" if scenario == "drain" else "as fast as",
    )
    exceptions = [
        f"{each.ranking.first} over {_circumstances(each)}"
        for each in all_found
        if not each.ranking.tied and each.ranking.first not in ranking.front
    ]
    if exceptions:
        sentence += f" Elsewhere another leads: {listed(exceptions, most=3)}."
    rounds = sorted({len(arm.blocks) for arm in arms.values()})
    return Answer(
        question,
        sentence,
        f"{_circumstances(found)}; medians of {counted(rounds[0], 'round')}; ratios are means over "
        f"rounds [95% interval], and up to {MIN_MARGIN:.0%} counts as no difference",
    )


def _circumstances(found: _Ranked) -> str:
    arm = next(iter(found.arms.values()))
    return (
        f"{arm.strategy}, {arm.loop}, broker {arm.broker}, {counted(arm.relays, 'relay')}, "
        f"{found.panel.title}"
    )


def _figure(arm: RelayArm) -> str:
    assert arm.summary is not None
    if arm.scenario == "drain":
        return f"{figure(arm.summary.delivered_per_s_median)} messages/s"
    p50_us = hop_p50_us(arm, "delivery")
    return "half" if p50_us is None else f"half within {milliseconds(p50_us / 1000)}"
