"""Whether being fast spares a service failures, told from arms under the same fault."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.analysis.fault_arms import arms_of_speeds, fault_arm, injection
from tests.analysis.runs import run as a_run

from outboxbench.analysis.thesis import CLAIMS, FEWEST_POINTS, Finding, findings, thesis_points
from outboxbench.analysis.thesis_words import paragraph
from outboxbench.results.block import OutcomeCounts

if TYPE_CHECKING:
    from outboxbench.results.faults import FaultArm

LITTLE, INTERRUPTED, HEADROOM, ON_TIME = CLAIMS


def answers(*arms: FaultArm) -> dict[str, str]:
    found = findings(thesis_points(a_run(faults=arms)))
    return {each.claim.says: each.answer for each in found}


def test_a_claim_holds_where_the_arms_rank_as_it_says() -> None:
    assert set(answers(*arms_of_speeds()).values()) == {"held"}


def test_a_claim_is_contradicted_where_the_arms_rank_the_other_way_round() -> None:
    found = answers(*arms_of_speeds(sign=-1))
    assert found[INTERRUPTED.says] == found[ON_TIME.says] == "was contradicted"
    assert found[LITTLE.says] == "held"


def test_few_arms_and_arms_that_do_not_differ_tell_nothing() -> None:
    few = arms_of_speeds()[: FEWEST_POINTS - 1]
    assert set(answers(*few).values()) == {"cannot be told"}
    alike = [fault_arm(busy_wait_us=place) for place in range(FEWEST_POINTS)]
    assert set(answers(*alike).values()) == {"cannot be told"}


def test_faults_are_told_apart() -> None:
    arms = (*arms_of_speeds("reset"), *arms_of_speeds("server-crash", sign=-1))
    found = findings(thesis_points(a_run(faults=arms)))
    of_interrupted = {each.fault: each.answer for each in found if each.claim is INTERRUPTED}
    assert of_interrupted == {"reset": "held", "server-crash": "was contradicted"}


def test_what_is_expected_in_flight_follows_from_littles_law() -> None:
    (point,) = thesis_points(a_run(faults=(fault_arm(injections=(injection(service_ms=5.0),)),)))
    assert point.expected_in_flight == 1.0
    assert point.in_flight == 1.0


def test_injections_that_were_never_caught_up_with_count_as_longer_than_all_others() -> None:
    caught_up = [injection(1, caught_up_ms=100.0), injection(2), injection(3, caught_up_ms=300.0)]
    (point,) = thesis_points(a_run(faults=(fault_arm(injections=tuple(caught_up)),)))
    assert point.caught_up_ms == 300.0
    (point,) = thesis_points(a_run(faults=(fault_arm(injections=(*caught_up, injection(4))),)))
    assert point.caught_up_ms is None


def test_the_paragraph_says_what_held_with_its_figures() -> None:
    arms = (*arms_of_speeds("reset"), *arms_of_speeds("server-crash", sign=-1))
    text = paragraph(a_run(faults=arms))
    assert "held under reset (ρ 1.00, 5 arms)" in text
    assert "from 0.2 to 19.0 times the load" in text
    assert "it was contradicted under server-crash (ρ -1.00, 5 arms)" in text
    assert "Over all 10 arms" in text
    assert (
        "Under reset at 200/s the fastest, asyncpg +1000 µs (1.0 ms), lost 10.0 operations" in text
    )


def test_what_was_in_flight_is_told_from_what_came_in_the_outage() -> None:
    arm = fault_arm(
        injections=(
            injection(
                in_flight=4, interrupted=3, outcomes=OutcomeCounts(ok=100, failed=7, skipped=5)
            ),
        )
    )
    assert "25% under reset" in paragraph(a_run(faults=(arm,)))


def test_a_run_without_faults_says_nothing() -> None:
    assert paragraph(a_run()) == ""


def test_the_answer_of_a_finding_depends_on_its_ranks_alone() -> None:
    answers = [Finding(LITTLE, "reset", 9, rho).answer for rho in (0.7, 0.69, -0.69, -0.7, None)]
    assert answers == [
        "held",
        "did not show",
        "did not show",
        "was contradicted",
        "cannot be told",
    ]
