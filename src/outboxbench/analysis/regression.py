"""Is head worse than base? One gate for each kind of evidence, and the gravest of them decides.

Counts need no rounds, and a wrong result no second look: what is certain is said first.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from outboxbench.analysis.cost_baseline import changes
from outboxbench.results.cost_baseline import baseline_of
from outboxbench.results.regression import Finding, Gate

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from outboxbench.results.block import Check
    from outboxbench.results.comparison import Comparison, Decision, Metric
    from outboxbench.results.cost import Costs
    from outboxbench.results.model import Arm, Run

_GRAVITY: Final[tuple[Decision, ...]] = ("regression", "inconclusive", "improvement", "same")

_UNITS: Final[Mapping[Metric, str]] = {
    "ok_per_s": "1/s",
    "latency_p50": "µs",
    "client_cpu": "µs",
    "latency_p99": "µs",
}


def gravest(decisions: Iterable[Decision | None]) -> Decision:
    """Return the decision that counts among several: `same` where there is none."""
    found = {decision for decision in decisions if decision is not None}
    return next((each for each in _GRAVITY if each in found), "same")


def counts_gate(base: Costs, head: Costs, seconds: float) -> Gate:
    """Hold what a command takes against what it took: exactly, or within a stated tolerance.

    A command that only one side has is compared with nothing.
    """
    was = baseline_of(base).figures
    findings = []
    commands = 0
    for profile, workloads in baseline_of(head).figures.items():
        for workload, strategies in workloads.items():
            for strategy, now in strategies.items():
                before = was.get(profile, {}).get(workload, {}).get(strategy)
                if before is None:
                    continue
                commands += 1
                findings += [
                    Finding(
                        subject=f"{strategy} {workload} ({profile})",
                        metric=change.figure,
                        decision=_of_counts(change.before, change.after),
                        detail=str(change),
                        base_value=change.before,
                        head_value=change.after,
                        unit=_unit_of_count(change.figure),
                    )
                    for change in changes(before, now)
                ]
    return Gate(
        name="counts",
        decision=gravest(each.decision for each in findings),
        detail=f"{len(findings) or 'no'} figure{'' if len(findings) == 1 else 's'} of "
        f"{commands} commands changed",
        seconds=seconds,
        findings=tuple(findings),
    )


def _of_counts(before: float | None, after: float | None) -> Decision:
    if before is None or after is None:
        return "inconclusive"
    return "regression" if after > before else "improvement"


def _unit_of_count(figure: str) -> str:
    return "bytes" if figure.endswith("_bytes") else "an operation"


def correctness_gate(verified: Run | None, costs: Costs, timed: Run | None, seconds: float) -> Gate:
    """Refuse a head that loses, invents or repeats anything, under faults or without any.

    Args:
        verified: head's run of faults; None if the suite has none.
        costs: what was counted at head, each count with its checks.
        timed: the run of both sides; None if it was not come to.
        seconds: what that took beside the other gates.
    """
    judged: list[tuple[str, Sequence[Check]]] = [
        (f"{each.strategy} {each.workload} ({each.profile})", each.checks)
        for each in costs.commands
    ]
    if verified is not None:
        judged += [(each.name, each.checks) for each in verified.faults]
    if timed is not None:
        judged += [(arm.name, block.checks) for arm in heads(timed) for block in arm.blocks]
    findings = tuple(
        Finding(
            subject=subject,
            metric=check.name,
            decision="regression" if check.verdict == "fail" else "inconclusive",
            detail=check.detail,
        )
        for subject, checks in judged
        for check in checks
        if check.verdict != "pass"
    )
    faults = 0 if verified is None else len(verified.faults)
    return Gate(
        name="correctness",
        decision=gravest(each.decision for each in findings),
        detail=f"{len(judged)} verdicts, {faults} of them under faults; "
        f"{len(findings) or 'no'} check{'' if len(findings) == 1 else 's'} not passed",
        seconds=seconds,
        findings=findings,
    )


def timing_gate(timed: Run, seconds: float) -> Gate:
    """Tell what the rounds decided, metric by metric."""
    arms = {arm.name: arm for arm in timed.arms}
    findings = tuple(_of_comparison(each, arms) for each in timed.comparisons)
    deciding = [each.decision for each in findings if not each.is_advisory]
    rounds = max((each.rounds or 0 for each in findings), default=0)
    return Gate(
        name="timing",
        decision=gravest(deciding) if deciding else "inconclusive",
        detail=f"{len(deciding)} comparisons that decide, over up to {rounds} rounds",
        seconds=seconds,
        findings=findings,
    )


def heads(run: Run) -> tuple[Arm, ...]:
    """Return the arms of a run that are compared with others."""
    names = {each.head for each in run.comparisons}
    return tuple(arm for arm in run.arms if arm.name in names)


def _of_comparison(comparison: Comparison, arms: Mapping[str, Arm]) -> Finding:
    head = arms[comparison.head]
    metric = comparison.metric
    return Finding(
        subject=f"{head.strategy} {head.workload}, {head.settings['clients']} clients",
        metric=metric,
        decision=comparison.decision,
        detail=f"{comparison.ratio:.3f} [{comparison.low:.3f}, {comparison.high:.3f}] times the "
        f"base, of which {comparison.margin:.0%} count as none",
        is_advisory=comparison.is_advisory,
        base_value=_value(arms[comparison.base], metric),
        head_value=_value(head, metric),
        unit=_UNITS[metric],
        ratio=comparison.ratio,
        low=comparison.low,
        high=comparison.high,
        margin=comparison.margin,
        rounds=comparison.rounds,
    )


def _value(arm: Arm, metric: Metric) -> float | None:
    summary = arm.summary
    if summary is None:
        return None
    return {
        "ok_per_s": summary.ok_per_s_median,
        "latency_p50": summary.latency_us.p50,
        "client_cpu": summary.client_cpu_us_per_op,
        "latency_p99": summary.latency_us.p99,
    }[metric]
