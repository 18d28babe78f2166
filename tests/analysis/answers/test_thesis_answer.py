"""Whether a faster service is hurt less, as an answer of a run that was made to tell."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.analysis.answers.made_up import QUESTIONS, run_of, told
from tests.analysis.fault_arms import SERVICES_MS, arms_of_speeds, fault_arm

from outboxbench.analysis.answers import Answer, answers
from outboxbench.analysis.thesis import FEWEST_POINTS
from outboxbench.analysis.thesis_words import paragraph

if TYPE_CHECKING:
    from outboxbench.results.faults import FaultArm


def thesis_of(*arms: FaultArm) -> Answer:
    answer = told(run_of([], faults=arms), "thesis")
    assert answer is not None
    return answer


@pytest.mark.parametrize(
    ("arms", "opening", "counts"),
    [
        (
            arms_of_speeds(),
            "Yes: of 4 rankings",
            "(4 claims under 1 fault), 4 bear it out.",
        ),
        (
            (*arms_of_speeds(), *arms_of_speeds("server-crash", sign=-1)),
            "In part: of 8 rankings",
            "(4 claims under each of 2 faults), 6 bear it out and 2 contradict it.",
        ),
        (
            (*arms_of_speeds(), *arms_of_speeds("server-crash")[: FEWEST_POINTS - 1]),
            "In part: of 8 rankings",
            "(4 claims under each of 2 faults), 4 bear it out and 4 cannot be told.",
        ),
        (
            arms_of_speeds()[: FEWEST_POINTS - 1],
            "It cannot be told:",
            "too few arms that differ met the same fault.",
        ),
    ],
)
def test_the_rankings_for_and_against_are_counted(
    arms: tuple[FaultArm, ...], opening: str, counts: str
) -> None:
    assert thesis_of(*arms).sentence == f"{opening} {counts}"


def test_the_paragraph_of_the_figures_stands_below_the_decision() -> None:
    run = run_of([], faults=arms_of_speeds())
    (answer,) = answers(run)
    assert answer.details == paragraph(run)
    assert answer.conditions == "5 arms under 1 fault"


def test_a_run_that_slowed_nobody_was_not_made_to_tell() -> None:
    others = run_of([], faults=tuple(fault_arm(name) for name in ("asyncpg", "psycopg")))
    assert told(others, "thesis") is None


def test_who_did_not_pass_says_nothing_for_or_against() -> None:
    failed = fault_arm("mine", busy_wait_us=500.0, verdict="fail")
    answer = thesis_of(*arms_of_speeds(), failed)
    assert answer.conditions == f"{len(SERVICES_MS)} arms under 1 fault"
    assert answer.details.endswith("mine did not pass: left out.")


def test_it_stands_before_who_is_the_best_under_faults() -> None:
    unslowed = (fault_arm("asyncpg"), fault_arm("psycopg"))
    both = run_of([], faults=(*arms_of_speeds(), *unslowed))
    assert [answer.question for answer in answers(both)] == [
        QUESTIONS["thesis"],
        QUESTIONS["faults"],
    ]
