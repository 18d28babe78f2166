"""How to choose: each question with its answer from the reference, or in words without figures."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from outboxbench.analysis.answers import answers
from outboxbench.analysis.answers.code import LEAST_CODE
from outboxbench.analysis.answers.distance import DISTANCE
from outboxbench.analysis.answers.prices import EVENT_LOOP, ORM, WRITE_PLAN
from outboxbench.analysis.answers.relay_plan import QUESTIONS
from outboxbench.analysis.answers.speed import MOST_WORK, SHORTEST_TAIL
from outboxbench.analysis.answers.under_faults import UNDER_FAULTS
from outboxbench.report.markdown import escaped
from outboxbench.report.readme.references import link

if TYPE_CHECKING:
    from outboxbench.analysis.answers import Answer
    from outboxbench.report.readme.references import References


class _Choice(NamedTuple):
    """A row of the table."""

    question: str
    suites: tuple[str, ...]
    """That answer it, the best one first."""
    why: str
    """What is known without a figure."""


_CHOICES: Final = (
    _Choice(
        MOST_WORK,
        ("throughput", "quick"),
        "Little Python and few round trips: a raw driver on uvloop, and where that is not enough a"
        " write plan that saves round trips (2 in place of 5), `single` or `group`.",
    ),
    _Choice(
        SHORTEST_TAIL,
        ("latency",),
        "Not to be read off the throughput: clients that wait for their answers do not queue.",
    ),
    _Choice(
        UNDER_FAULTS,
        ("faults", "thesis"),
        "By the claim below one that answers soon: less of it is in flight when something breaks.",
    ),
    _Choice(
        LEAST_CODE,
        ("throughput", "quick"),
        "No guess: every run counts the lines of code that each strategy is.",
    ),
    _Choice(
        ORM,
        ("throughput", "quick"),
        "CPU of the client: the unit of work and the mapping are Python.",
    ),
    _Choice(
        EVENT_LOOP,
        ("throughput", "quick"),
        "More for raw drivers than for SQLAlchemy, which spends its time above the event loop.",
    ),
    _Choice(
        WRITE_PLAN,
        ("throughput", "plans"),
        "They save round trips, and `group` transactions too: it commits a whole batch in one.",
    ),
    _Choice(
        DISTANCE,
        ("network",),
        "What saves round trips gains most where the server is far away.",
    ),
    _Choice(
        QUESTIONS["drain"],
        ("relay",),
        "`log` claims and marks nothing, but needs a replication slot; `sharded` leases whole"
        " shards, `lease` and `delete` single aggregates.",
    ),
    _Choice(
        QUESTIONS["chain"],
        ("relay",),
        "Being told beats looking; told after the commit (`announce`), writers do not wait.",
    ),
)


def part(references: References, up: str) -> str:
    """The table of all questions."""
    found = {
        run.suite: {each.question: each for each in answers(run)} for run in references.in_order
    }
    rows = [_row(choice, found, up) for choice in _CHOICES]
    return "\n".join(("| question | answer | measured |", "| --- | --- | --- |", *rows))


def _row(choice: _Choice, found: dict[str, dict[str, Answer]], up: str) -> str:
    for suite in choice.suites:
        if answer := found.get(suite, {}).get(choice.question):
            told, measured = (
                escaped(answer.decision),
                f"{link(suite, up)}: {escaped(answer.conditions)}",
            )
            break
    else:
        told, measured = choice.why, f"not yet: `make bench SUITE={choice.suites[0]}`"
    return f"| {choice.question} | {told} | {measured} |"
