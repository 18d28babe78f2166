"""What a regression check makes of counts, of verdicts and of rounds."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.analysis.runs import arm, block, run
from tests.costs import COUNTS, command, costs

from outboxbench.analysis.comparison import REGRESSIONS, compare_arms
from outboxbench.analysis.regression import correctness_gate, counts_gate, gravest, timing_gate
from outboxbench.results.block import Check

if TYPE_CHECKING:
    from outboxbench.results.model import Arm, Run

LOST = Check(name="every ok operation is stored, and no other", verdict="fail", detail="9 of 10")


def test_one_round_trip_more_is_a_regression_and_one_less_an_improvement() -> None:
    usual = costs(command("asyncpg"))
    slower = costs(command("asyncpg", counts=COUNTS.model_copy(update={"round_trips": 3})))

    worse, better = counts_gate(usual, slower, 1.0), counts_gate(slower, usual, 1.0)

    assert (worse.decision, better.decision) == ("regression", "improvement")
    (found,) = worse.findings
    assert (found.subject, found.metric) == ("asyncpg charge (matched)", "round_trips")
    assert (found.base_value, found.head_value, found.detail) == (2, 3, "round_trips 2 → 3")


def test_bytes_and_the_log_may_vary_as_they_do_from_run_to_run() -> None:
    usual = costs(command())
    varied = COUNTS.model_copy(update={"wal_bytes": 640.0, "frontend_bytes": 1240.0})
    larger = COUNTS.model_copy(update={"wal_bytes": 700.0})

    assert counts_gate(usual, costs(command(counts=varied)), 1.0).decision == "same"
    assert counts_gate(usual, costs(command(counts=larger)), 1.0).decision == "regression"


def test_a_count_that_one_side_does_not_know_is_not_decided() -> None:
    unknown = COUNTS.model_copy(update={"wal_bytes": None})

    assert counts_gate(costs(command()), costs(command(counts=unknown)), 1.0).decision == (
        "inconclusive"
    )


def test_a_command_that_the_base_has_not_is_compared_with_nothing() -> None:
    gate = counts_gate(costs(command("asyncpg")), costs(command("asyncpg"), command("new")), 1.0)

    assert (gate.decision, gate.findings) == ("same", ())
    assert gate.detail == "no figures of 1 commands changed"


def timed(ratios: tuple[float, ...], *, lost_by: str = "") -> Run:
    """A run in which head does `ratio` times as much as base, round by round."""

    def side(name: str, rates: list[float]) -> Arm:
        checks = (LOST,) if name == lost_by else ()
        blocks = [block(number, rate, checks=checks) for number, rate in enumerate(rates)]
        return arm(f"asyncpg/{name}", blocks)

    base = side("base", [1_000.0] * len(ratios))
    head = side("head", [1_000.0 * ratio for ratio in ratios])
    compared = compare_arms([(base, head)], lambda _metric, _rounds: 0.05, REGRESSIONS)
    return run(base, head, comparisons=compared)


def test_a_head_that_is_slower_in_every_round_is_a_regression() -> None:
    gate = timing_gate(timed((0.80, 0.81, 0.79, 0.80, 0.82, 0.80)), 60.0)

    assert gate.decision == "regression"
    throughput = next(each for each in gate.findings if each.metric == "ok_per_s")
    assert throughput.subject == "asyncpg charge, 8 clients"
    assert throughput.ratio == pytest.approx(0.80, abs=0.01)
    assert (throughput.base_value, throughput.unit) == (1_000.0, "1/s")


def test_a_head_like_its_base_is_the_same_and_one_that_wavers_is_not_decided() -> None:
    assert timing_gate(timed((1.0, 1.01, 0.99, 1.0, 1.0, 1.01)), 1.0).decision == "same"
    assert timing_gate(timed((0.7, 1.3, 1.0, 0.8, 1.2, 0.9)), 1.0).decision == "inconclusive"


def test_what_cannot_be_compared_is_not_decided() -> None:
    assert timing_gate(timed((1.0,)), 1.0).decision == "inconclusive"


def test_a_head_that_loses_an_operation_is_refused_and_a_base_that_does_is_not() -> None:
    fine = costs(command())

    refused = correctness_gate(None, fine, timed((1.0, 1.0), lost_by="head"), 1.0)
    forgiven = correctness_gate(None, fine, timed((1.0, 1.0), lost_by="base"), 1.0)

    assert (refused.decision, forgiven.decision) == ("regression", "same")
    assert {each.subject for each in refused.findings} == {"asyncpg/head"}
    assert refused.findings[0].detail == "9 of 10"


def test_a_head_whose_counted_operations_fail_is_refused_before_any_round() -> None:
    broken = command().model_copy(update={"checks": (LOST,)})

    assert correctness_gate(None, costs(broken), None, 1.0).decision == "regression"


def test_a_verdict_that_is_not_known_is_not_decided() -> None:
    unknown = LOST.model_copy(update={"verdict": "unknown"})
    doubtful = command().model_copy(update={"checks": (unknown,)})

    assert correctness_gate(None, costs(doubtful), None, 1.0).decision == "inconclusive"


def test_the_gravest_of_several_decisions_counts() -> None:
    assert gravest(["same", "improvement", "inconclusive", "regression"]) == "regression"
    assert gravest(["same", "improvement", "inconclusive"]) == "inconclusive"
    assert gravest(["same", "improvement", None]) == "improvement"
    assert gravest([None, None]) == "same"
