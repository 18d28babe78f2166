from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from tests.analysis.answers.made_up import (
    QUESTIONS,
    closed_loop,
    open_loop,
    rates_run,
    run_of,
    sentence,
    told,
)
from tests.analysis.fault_arms import fault_arm, injection
from tests.report.relays import chain, drain

from outboxbench.analysis.answers import answers, caveat
from outboxbench.results.block import OutcomeCounts
from outboxbench.results.comparison import Comparison
from outboxbench.results.model import RunWarning

if TYPE_CHECKING:
    from outboxbench.results.faults import FaultArm
    from outboxbench.results.model import Run

FAST = (3000.0, 3100.0, 2950.0, 3020.0)
SLOW = (1500.0, 1560.0, 1470.0, 1515.0)
SLOWEST = (700.0, 745.0, 690.0, 712.0)
SHORT_MS = (50.0, 52.0, 49.0)
LONG_MS = (99.0, 105.0, 97.0)
WARNING = RunWarning(code="busy-machine", message="others used it", advice="end them")


def doubt(run: Run) -> str:
    """What is said against a run against which something has to be said."""
    answer = caveat(run)
    assert answer is not None
    return answer.sentence


def test_what_a_run_has_no_data_for_is_left_out() -> None:
    assert answers(rates_run({"asyncpg": FAST})) == ()
    assert [each.question for each in answers(rates_run({"asyncpg": FAST, "psycopg": SLOW}))] == [
        QUESTIONS["throughput"]
    ]


def test_the_winner_stands_first_with_its_lead_over_the_next() -> None:
    run = rates_run({"orm-asyncpg": SLOWEST, "asyncpg": FAST, "psycopg": SLOW})
    answer = told(run, "throughput")

    assert answer is not None
    assert answer.sentence.startswith("asyncpg: 3,020 ok/s, 2.00 [")
    assert "the next, psycopg (1,520 ok/s)." in answer.sentence
    for words in ("charge, matched, 8 clients, uvloop", "4 rounds of 1 s", "up to 5% counts"):
        assert words in answer.grounds


def test_who_is_behind_those_that_cannot_be_told_apart_is_named_as_such() -> None:
    noisy = (3050.0, 3000.0, 3020.0, 2960.0)

    told_of = sentence(rates_run({"asyncpg": FAST, "mine": noisy, "psycopg": SLOW}), "throughput")

    assert "cannot be told apart here, 1.00 [0.9" in told_of
    assert told_of.endswith("Behind them: psycopg.")


def test_a_lead_within_what_counts_as_none_is_no_lead() -> None:
    run = rates_run({"asyncpg": FAST, "psycopg": [rate * 0.9 for rate in FAST]})
    comparison = Comparison(
        base="asyncpg",
        head="psycopg",
        metric="ok_per_s",
        rounds=4,
        **dict.fromkeys(("ratio", "low", "high", "bootstrap_low", "bootstrap_high"), 0.9),
        hodges_lehmann=0.9,
        margin=0.2,
        p_value=1.0,
        decision="same",
        is_advisory=False,
    )

    assert sentence(run, "throughput").startswith("asyncpg: ")
    noisier = run.model_copy(update={"comparisons": (comparison,)})
    assert "cannot be told apart" in sentence(noisier, "throughput")


def test_one_round_is_no_ground_for_a_winner() -> None:
    told_of = sentence(rates_run({"asyncpg": FAST[:1], "psycopg": SLOW[:1]}), "throughput")

    assert told_of.startswith("asyncpg (3,000 ok/s) and psycopg (1,500 ok/s) cannot be told apart")
    assert "two rounds" in told_of


def test_the_answer_is_about_the_usual_workload_and_names_where_another_leads() -> None:
    arms = [
        closed_loop(name, rates, workload=workload, profile=profile)
        for workload, profile, (one, other) in (
            ("hot", "matched", (SLOW, FAST)),
            ("charge", "idiomatic", (FAST, SLOW)),
            ("charge", "matched", (FAST, SLOW)),
        )
        for name, rates in (("asyncpg", one), ("asyncpg-group", other))
    ]
    answer = told(run_of(arms), "throughput")

    assert answer is not None
    assert answer.grounds.startswith("charge, matched")
    assert answer.sentence.startswith("asyncpg: ")
    assert answer.sentence.endswith("Elsewhere another leads: asyncpg-group (hot).")


def test_slowed_and_prepared_arms_and_twins_are_no_candidates() -> None:
    odd = [
        closed_loop("mine", FAST, **changes)
        for changes in ({"busy_wait_us": 10.0}, {"prepared_for": "log"}, {"copy_number": 2})
    ]

    assert told(run_of([closed_loop("asyncpg", SLOW), *odd]), "throughput") is None


def test_tail_latency_is_compared_at_the_same_rate_and_the_lowest_wins() -> None:
    tails = {"asyncpg": (2000.0, 2100.0, 1950.0), "psycopg": (4100.0, 4150.0, 3900.0)}
    run = run_of([open_loop(name, values) for name, values in tails.items()])
    answer = told(run, "latency")

    assert answer is not None
    assert answer.sentence.startswith("asyncpg: 99% within 2.00 ms, 2.0")
    assert "psycopg (99% within 4.10 ms)" in answer.sentence
    assert "500 operations offered per second" in answer.grounds
    assert told(run, "throughput") is None


def test_who_could_not_keep_up_with_the_rate_does_not_win_by_it() -> None:
    arms = [
        open_loop(name, values)
        for name, values in {
            "mine": (200.0, 210.0, 205.0),
            "asyncpg": (2000.0, 2100.0, 1950.0),
            "psycopg": (4100.0, 4150.0, 3900.0),
        }.items()
    ]
    assert arms[0].summary is not None
    skipping = arms[0].summary.model_copy(update={"outcomes": OutcomeCounts(ok=1_000, skipped=100)})
    arms[0] = arms[0].model_copy(update={"summary": skipping})

    assert sentence(run_of(arms), "latency").startswith("asyncpg: ")


def test_different_rates_are_not_compared() -> None:
    tails = (2000.0, 2100.0, 1950.0)
    run = run_of([open_loop("asyncpg", tails), open_loop("psycopg", tails, rate=600.0)])

    assert told(run, "latency") is None


def test_the_least_code_is_told_with_what_it_costs() -> None:
    run = run_of(
        [
            closed_loop("asyncpg", FAST, source_lines=272),
            closed_loop("psycopg", SLOW, source_lines=None),
            closed_loop("orm-asyncpg", SLOW, source_lines=121),
        ]
    )

    assert sentence(run, "code").startswith(
        "orm-asyncpg: 121 lines, against 272 of asyncpg. Of what asyncpg does, orm-asyncpg does 50%"
    )


def test_the_orm_is_set_against_its_own_driver_and_core() -> None:
    run = rates_run({"asyncpg": FAST, "core-asyncpg": SLOW, "orm-asyncpg": SLOWEST})

    told_of = sentence(run, "orm")
    assert "orm-asyncpg does 24% [2" in told_of
    assert "of what asyncpg does and 47% [4" in told_of
    assert told_of.endswith("of what core-asyncpg does.")


def test_uvloop_is_set_against_asyncio_strategy_by_strategy() -> None:
    arms = [
        closed_loop(name, rates, loop=loop)
        for name, loop, rates in (
            ("asyncpg", "uvloop", FAST),
            ("asyncpg", "asyncio", SLOW),
            ("psycopg", "uvloop", SLOW),
            ("psycopg", "asyncio", SLOW[::-1]),
            ("mine", "uvloop", FAST),
        )
    ]

    told_of = sentence(run_of(arms), "uvloop")
    assert told_of.startswith("2.00 [")
    assert "times the ok/s of asyncio with asyncpg." in told_of
    assert "No difference can be told for psycopg (1.00 [" in told_of
    assert "mine" not in told_of


def test_a_write_plan_is_set_against_the_statements_of_its_library() -> None:
    run = run_of(
        [
            closed_loop("asyncpg", SLOW),
            closed_loop("asyncpg-group", FAST, write_plan="group"),
            closed_loop("psycopg-pipeline", FAST, write_plan="pipeline"),
        ]
    )

    told_of = sentence(run, "plans")
    assert "asyncpg-group does 2.00 [" in told_of
    assert "times as much as asyncpg." in told_of
    assert "pipeline" not in told_of


def test_who_overtakes_whom_across_a_network_is_told_with_the_distances() -> None:
    arms = [
        closed_loop(name, rates, settings={"clients": 8, "network_rtt_ms": distance_ms})
        for distance_ms, one, other in ((0.0, FAST, SLOW), (2.0, SLOW, FAST))
        for name, rates in (("asyncpg", one), ("asyncpg-single", other))
    ]

    assert sentence(run_of(arms), "network") == (
        "Yes: asyncpg-single overtakes asyncpg between 0 and 2 ms a round trip."
    )
    assert sentence(run_of(arms), "throughput").startswith("asyncpg: ")


def faults(strategy: str, gaps_ms: tuple[float | None, ...], **changes: Any) -> FaultArm:
    return fault_arm(
        strategy,
        injections=tuple(
            injection(
                number,
                longest_gap_ms=gap_ms or 900.0,
                first_ok_after_effect_ms=gap_ms,
                first_ok_ms=gap_ms,
                outcomes=OutcomeCounts(ok=190, failed=9, skipped=1),
            )
            for number, gap_ms in enumerate(gaps_ms, 1)
        ),
        **changes,
    )


def test_the_shortest_outage_wins_and_what_was_lost_stands_beside_it() -> None:
    run = run_of(
        [], faults=(faults("asyncpg", (50.0, 52.0, 49.0)), faults("mine", (99.0, 105.0, 97.0)))
    )

    told_of = sentence(run, "faults")
    assert told_of.startswith(
        "asyncpg: nothing succeeds for typically 50.3 ms; with the next, mine"
    )
    assert "27 failed, 0 in doubt, 3 skipped" in told_of
    assert told_of.endswith("All 2 verdicts passed.")


def test_the_fault_that_cost_all_of_them_most_is_named_once() -> None:
    lossy = injection(outcomes=OutcomeCounts(ok=100, failed=100), first_ok_after_effect_ms=9.0)
    arms = [
        arm
        for name in ("asyncpg", "mine")
        for arm in (faults(name, SHORT_MS), fault_arm(name, "server-crash", (lossy,)))
    ]

    told_of = sentence(run_of([], faults=tuple(arms)), "faults")
    assert "success, most of them under server-crash: asyncpg " in told_of
    assert told_of.count("server-crash") == 1
    even = faults("other", SHORT_MS, fault="stall"), faults("asyncpg", SHORT_MS, fault="stall")
    assert "most of" not in sentence(run_of([], faults=(*even, arms[0])), "faults")


def test_who_did_not_come_back_within_the_span_is_worse_than_who_did() -> None:
    run = run_of(
        [], faults=(faults("asyncpg", (50.0, None, 49.0)), faults("mine", (99.0, 105.0, 97.0)))
    )

    told_of = sentence(run, "faults")
    assert "asyncpg:" not in told_of
    assert "nothing succeeded again in time with asyncpg (1)" in told_of


def test_who_fails_under_a_fault_is_left_out_unless_that_was_to_be_shown() -> None:
    others = (faults("asyncpg", LONG_MS), faults("psycopg", (199.0, 205.0, 197.0)))

    failing = run_of([], faults=(*others, faults("mine", SHORT_MS, verdict="fail")), verdict="fail")
    assert "mine" in doubt(failing)
    assert sentence(failing, "faults").startswith("asyncpg:")
    assert sentence(failing, "faults").endswith("mine did not pass: left out.")

    shown = faults(
        "asyncpg", SHORT_MS, verdict="fail", retries="naive", expected_findings=("nothing is lost",)
    )
    told_of = sentence(run_of([], faults=(*others, shown)), "faults")
    assert told_of.startswith("asyncpg:")
    assert "but for 1 that was there to fail" in told_of


def test_the_relay_plan_that_drains_most_is_told_over_the_reference() -> None:
    relays = tuple(
        drain(strategy, plan, rate)
        for strategy, plan, rate in (
            ("asyncpg", "lease", 20_000.0),
            ("asyncpg", "delete", 41_000.0),
            ("psycopg", "lease", 80_000.0),
            ("psycopg", "delete", 30_000.0),
        )
    )
    run = run_of([], relays=relays)

    told_of = sentence(run, "drain")
    assert told_of.startswith("delete: 41,000 messages/s, 2.05 [2.05, 2.05] times as many as")
    assert "Elsewhere another leads: lease over psycopg" in told_of


def test_a_relay_that_failed_is_no_answer() -> None:
    relays = (
        drain("asyncpg", "lease", 20_000.0),
        drain("asyncpg", "sharded", 10_000.0),
        drain("asyncpg", "delete", 41_000.0, verdict="fail"),
    )
    run = run_of([], relays=relays, verdict="fail")

    assert "delete" in doubt(run)
    assert sentence(run, "drain").startswith("lease: ")


def test_chains_are_compared_by_when_half_of_the_messages_are_delivered() -> None:
    told_of = sentence(run_of([], relays=(chain(), chain(plan="sharded"))), "chain")

    assert "cannot be told apart" in told_of
    assert "half within 2.60 ms" in told_of


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"verdict": "fail"}, "Not all of them. The verdict is fail."),
        ({"verdict": "unknown"}, "Not all of them. The verdict is unknown."),
        ({"complete": False}, "With care. The run was interrupted"),
        ({"warnings": (WARNING,)}, "With care. Others used it."),
        ({"warnings": (WARNING, WARNING, WARNING)}, "Others used it; 2 more warnings."),
    ],
)
def test_what_speaks_against_a_run_is_told_beside_its_answers(
    changes: dict[str, Any], words: str
) -> None:
    run = rates_run({"asyncpg": FAST, "psycopg": SLOW}, **changes)

    assert words in doubt(run)
    assert [each.question for each in answers(run)] == [QUESTIONS["throughput"]]


def test_what_the_intervals_show_already_is_no_caveat() -> None:
    uncalibrated = WARNING.model_copy(update={"code": "not-calibrated"})

    assert caveat(rates_run({"asyncpg": FAST}, warnings=(uncalibrated,))) is None
