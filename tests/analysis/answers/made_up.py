"""Made-up runs of which somebody wants to know who is first, told by rates round by round."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.analysis.runs import arm, block, run

from outboxbench.analysis.answers import Answer, answers
from outboxbench.results.block import LatencyUs

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from outboxbench.results.model import Arm, Run

QUESTIONS = {
    "throughput": "Which strategy for throughput?",
    "latency": "Which strategy for tail latency at the same load?",
    "code": "Which strategy for the least code?",
    "thesis": "Is a faster service hurt less by faults?",
    "faults": "Which strategy when things break?",
    "drain": "Which relay plan to drain a backlog?",
    "chain": "Which relay plan for short delays?",
    "orm": "What does the ORM cost?",
    "uvloop": "What does uvloop buy?",
    "plans": "What do other write plans buy?",
    "network": "Does the ranking change across a network?",
}


def closed_loop(strategy: str, rates: Sequence[float], **changes: Any) -> Arm:
    """An arm of a closed loop; its name tells everything that it may differ in."""
    loop = changes.get("loop", "uvloop")
    settings = changes.pop("settings", {"clients": 8, "workers": 1})
    workload, profile = changes.get("workload", "charge"), changes.get("profile", "matched")
    return arm(
        f"{strategy}/{loop}/{workload}/{profile}/{settings}",
        [block(number, rate) for number, rate in enumerate(rates)],
        settings=settings,
        **changes,
    )


def open_loop(strategy: str, p99_us: Sequence[float], rate: float = 500.0, **changes: Any) -> Arm:
    """An arm that was offered a rate, and its 99th percentile round by round."""
    blocks = [
        block(
            number,
            rate,
            latency_us=LatencyUs(samples=5_000, p50=value / 2, p99=value),
        )
        for number, value in enumerate(p99_us)
    ]
    made = arm(
        f"{strategy}/open",
        blocks,
        settings={"clients": 8, "rate": "60% of slowest", "arrivals": "poisson"},
        offered_per_s=rate,
    ).model_copy(update=changes)
    assert made.summary is not None
    latency = LatencyUs(samples=5_000, p50=p99_us[0] / 2, p99=p99_us[0])
    return made.model_copy(
        update={"summary": made.summary.model_copy(update={"latency_us": latency})}
    )


def run_of(arms: Sequence[Arm], **changes: Any) -> Run:
    """A run of these arms, compared with nothing: answers draw on the rounds themselves."""
    return run(*arms, reference="asyncpg", **changes)


def rates_run(rates: Mapping[str, Sequence[float]], **changes: Any) -> Run:
    """Strategies on uvloop in one table."""
    return run_of([closed_loop(name, values) for name, values in rates.items()], **changes)


def told(run: Run, question: str) -> Answer | None:
    """The answer to a question, if the run has one."""
    found = [each for each in answers(run) if each.question == QUESTIONS[question]]
    assert len(found) <= 1
    return found[0] if found else None


def sentence(run: Run, question: str) -> str:
    """What a run says to a question that it has to answer."""
    answer = told(run, question)
    assert answer is not None
    return answer.sentence
