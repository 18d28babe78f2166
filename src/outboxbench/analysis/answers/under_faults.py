"""Which strategy is away the shortest when things break, and loses the fewest operations."""

from __future__ import annotations

import json
import math
from collections import Counter
from statistics import fmean
from typing import TYPE_CHECKING, Final, NamedTuple

from outboxbench.analysis.answers.answer import Answer
from outboxbench.analysis.answers.measured import distrusted
from outboxbench.analysis.answers.ranking import Contender, rank
from outboxbench.analysis.answers.words import counted, figure, listed, milliseconds, share, times
from outboxbench.analysis.decision import MIN_MARGIN
from outboxbench.analysis.fault_panels import fails_as_expected, longest_gap_ms
from outboxbench.results.block import OutcomeCounts

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from outboxbench.analysis.answers.ranking import Ranking
    from outboxbench.results.faults import FaultArm
    from outboxbench.results.model import Run

UNDER_FAULTS: Final = "Which strategy when things break?"

_SHORTEST_MS: Final = 0.1
"""A gap between two operations that is shorter is as good as none."""

Condition = str
"""The fault, and all else that an arm was under, as one key."""


class _Loss(NamedTuple):
    """What one strategy lost, in the order in which they are told."""

    share: float
    name: str
    told: str
    mostly_under: str | None
    """The fault that most of it came from, where there is one and there are several."""


def under_faults(run: Run) -> Iterator[Answer]:
    """Rank strategies by the longest time without success, over the conditions all were under."""
    measured = _by_strategy(run)
    if len(measured) < 2:
        return
    common = sorted(set.intersection(*(set(arms) for arms in measured.values())))
    shared = {name: [arms[key] for key in common] for name, arms in measured.items()}
    if not common:
        return
    # A gap that had not ended when its span did has no length: who has more of them is worse.
    endless = {name: sum(map(_endless, arms)) for name, arms in shared.items()}
    ended = {
        name: dict(zip(common, arms, strict=True))
        for name, arms in shared.items()
        if endless[name] == min(endless.values())
    }
    ranking = rank([Contender(name, _logs(arms)) for name, arms in ended.items()], MIN_MARGIN)
    faults = {arms[0].fault for arms in zip(*shared.values(), strict=True)}
    yield Answer(
        UNDER_FAULTS,
        " ".join(
            [
                _away(ranking, ended, endless),
                _losses(shared),
                _verdicts(run),
            ]
        ),
        f"{counted(len(common), 'setting')} of {counted(len(faults), 'fault')} that all had, "
        f"{counted(sum(map(_injections, shared.values())), 'injection')}; longest time without "
        f"success after an injection, geometric means [95% interval], and up to {MIN_MARGIN:.0%} "
        "counts as no difference",
    )


def _by_strategy(run: Run) -> dict[str, dict[Condition, FaultArm]]:
    """What each trusted strategy went through and passed, without those slowed on purpose."""
    out = distrusted(run)
    found: dict[str, dict[Condition, FaultArm]] = {}
    for arm in sorted(run.faults, key=lambda arm: arm.name):
        if arm.strategy not in out and arm.verdict == "pass" and not _is_slowed(arm):
            found.setdefault(arm.strategy, {}).setdefault(_condition(arm), arm)
    return found


def _is_slowed(arm: FaultArm) -> bool:
    return bool(arm.settings.get("busy_wait_us"))


def _condition(arm: FaultArm) -> Condition:
    relaying = None if arm.relaying is None else arm.relaying.model_dump()
    return json.dumps(
        [
            *(arm.fault, arm.workload, arm.loop, arm.profile, arm.retries, arm.isolation),
            *(arm.synchronous_commit, arm.find_by, relaying, arm.settings),
        ],
        sort_keys=True,
    )


def _endless(arm: FaultArm) -> int:
    return longest_gap_ms(arm.availability.injections).count(None)


def _injections(arms: Sequence[FaultArm]) -> int:
    return sum(len(arm.availability.injections) for arm in arms)


def _logs(arms: Mapping[Condition, FaultArm]) -> dict[str, float]:
    """The shorter the better; of several conditions each counts once, of one its injections do.

    The injections of one arm have its clients and its server in common.
    """
    by_condition = {
        key: [
            -math.log(max(gap_ms, _SHORTEST_MS))
            for gap_ms in longest_gap_ms(arm.availability.injections)
            if gap_ms is not None
        ]
        for key, arm in arms.items()
    }
    if len(by_condition) == 1:
        [values] = by_condition.values()
        return {f"{number:06d}": value for number, value in enumerate(values)}
    return {key: fmean(values) for key, values in by_condition.items() if values}


def _away(
    ranking: Ranking | None,
    ended: Mapping[str, Mapping[Condition, FaultArm]],
    endless: Mapping[str, int],
) -> str:
    never = [f"{name} ({endless[name]})" for name in sorted(endless.keys() - ended.keys())]
    stayed = f" More often, nothing succeeded again in time with {listed(never)}." if never else ""
    if ranking is None:
        return f"How long nothing succeeds cannot be compared here.{stayed}"
    typical = milliseconds(math.exp(-fmean(_logs(ended[ranking.first]).values())))
    if ranking.tied:
        closest = ranking.tied[0]
        ratio = "" if closest.lead is None else f" ({closest.name} {times(closest.lead)} times)"
        return (
            f"{listed(sorted(ranking.front))} cannot be told apart by how long nothing succeeds, "
            f"typically {typical} with {ranking.first}{ratio}.{stayed}"
        )
    closest = ranking.behind[0]
    assert closest.lead is not None
    return (
        f"{ranking.first}: nothing succeeds for typically {typical}; with the next, "
        f"{closest.name}, it takes {times(closest.lead)} times as long.{stayed}"
    )


def _losses(shared: Mapping[str, Sequence[FaultArm]]) -> str:
    """Counts, without a winner: most of them come from few faults, and bear no interval.

    Those skipped stand beside them: who lets operations wait for a connection until they are out
    of date has fewer that fail.
    """
    losses = sorted(_loss(name, arms) for name, arms in shared.items())
    lossy = [loss for loss in losses if loss.share]
    if not lossy:
        return "Every operation succeeded in the end."
    worst = {loss.mostly_under for loss in lossy}
    # What holds for all of them is said once.
    common = next(iter(worst)) if len(worst) == 1 else None
    parts = [
        f"{loss.name} {loss.told}"
        if loss.mostly_under is None or common
        else f"{loss.name} {loss.told}, most of it under {loss.mostly_under}"
        for loss in lossy
    ]
    spared = [loss.name for loss in losses if not loss.share]
    none = [f"none with {listed(spared)}"] if spared else []
    where = f", most of them under {common}" if common else ""
    return f"Operations without success{where}: {'; '.join([*none, *parts])}."


def _loss(name: str, arms: Sequence[FaultArm]) -> _Loss:
    by_fault: Counter[str] = Counter()
    total = OutcomeCounts()
    for arm in arms:
        outcomes = _outcomes(arm)
        total += outcomes
        by_fault[arm.fault] += outcomes.attempted - outcomes.good
    lost = total.attempted - total.good
    [(worst, most)] = by_fault.most_common(1)
    return _Loss(
        share=lost / max(total.attempted, 1),
        name=name,
        told=f"{share(lost, total.attempted)} ({figure(total.failed)} failed, "
        f"{figure(total.indeterminate)} in doubt, {figure(total.skipped)} skipped)",
        mostly_under=worst if lost < 2 * most and len(by_fault) > 1 else None,
    )


def _outcomes(arm: FaultArm) -> OutcomeCounts:
    return sum(
        (each.outcomes for each in arm.availability.injections), arm.availability.outcomes_before
    )


def _verdicts(run: Run) -> str:
    out = sorted({arm.strategy for arm in run.faults} & distrusted(run))
    if out:
        return f"{listed(out)} did not pass: left out."
    expected = sum(map(fails_as_expected, run.faults))
    were = "was" if expected == 1 else "were"
    besides = f", but for {expected} that {were} there to fail" if expected else ""
    return f"All {counted(len(run.faults), 'verdict')} passed{besides}."
