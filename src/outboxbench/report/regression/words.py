"""The sentences of a regression check, the same wherever they are told."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from outboxbench.results.comparison import Decision
    from outboxbench.results.regression import Finding, Regression

GATES: Final = {
    "counts": "Round trips, messages, bytes, log",
    "correctness": "Nothing lost, invented or repeated",
    "timing": "Throughput, latency, CPU",
}
METRICS: Final = {
    "ok_per_s": "ok/s",
    "latency_p50": "median latency",
    "client_cpu": "client CPU an operation",
    "latency_p99": "99th percentile",
}
_ANSWERS: Final[Mapping[Decision, str]] = {
    "regression": "Worse",
    "inconclusive": "Not decided",
    "same": "No worse",
    "improvement": "No worse, and better in places",
}
_SHORT: Final = 10


def headline(document: Regression) -> str:
    """One sentence: the answer, and between which commits."""
    return (
        f"{_ANSWERS[document.decision]}: {document.head.commit[:_SHORT]} against "
        f"{document.base.name} ({document.base.commit[:_SHORT]}), suite {document.suite}, "
        f"{(document.finished_at - document.started_at).total_seconds():.0f} s"
    )


def advice(document: Regression, *, strict: bool) -> str | None:
    """What to do about it; None where nothing is to be done."""
    if document.decision == "regression":
        return "Look at what is worse first; `outboxbench report` draws the run in this folder."
    if document.decision == "inconclusive":
        ends = "and so it fails" if strict else "which fails nothing without --strict"
        return (
            f"What is not decided may be worse or not, {ends}: give it more time with --budget, "
            "or a quieter machine."
        )
    return None


def ordered(findings: Sequence[Finding]) -> list[Finding]:
    """What matters first: what decides before what is advisory, what is worse before the rest."""
    gravity = {"regression": 0, "inconclusive": 1, "improvement": 2, "same": 3}
    return sorted(findings, key=lambda each: (each.is_advisory, gravity[each.decision]))


def metric_name(finding: Finding) -> str:
    """The metric in words."""
    return METRICS.get(finding.metric, finding.metric.replace("_", " "))


def value(number: float | None, unit: str | None) -> str:
    """A figure with its unit, to three digits."""
    if number is None:
        return "not known"
    digits = f"{number:,.0f}" if abs(number) >= 1_000 else f"{number:.3g}"
    return digits if unit in {None, "an operation"} else f"{digits} {unit}"
