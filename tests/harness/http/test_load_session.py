"""What one process of a load asks for, and how it counts what becomes of it."""

from __future__ import annotations

import time
from dataclasses import replace
from time import monotonic_ns
from typing import TYPE_CHECKING

import pytest

from outboxbench.core.application.outcome import Stage
from outboxbench.harness.http.load_plan import LoadPlan
from outboxbench.harness.http.load_session import OUTAGE_PAUSE_S, LoadSession, Reply
from outboxbench.harness.load.job import Window, WorkerResult
from outboxbench.harness.load.journal import OUTCOMES, read_attempts
from outboxbench.web import problems

if TYPE_CHECKING:
    from pathlib import Path
    from uuid import UUID

    from outboxbench.harness.http.asking import HttpRequest
    from outboxbench.harness.http.load_session import Ask

PLAN = LoadPlan("charge", 10, 10, "7", warm_up_s=0.0, window_s=0.2)
DONE = Reply(200, b"{}", "pool;dur=0.010, transaction;dur=0.200, service;dur=0.050")


def session_now(plan: LoadPlan = PLAN) -> LoadSession:
    now_ns = monotonic_ns()
    return LoadSession(plan, Window.of(now_ns, now_ns, now_ns + round(plan.window_s * 1e9)), 0)


def run(session: LoadSession, ask: Ask) -> WorkerResult:
    mix = session.new_mix()
    while session.run_next(mix, ask):
        pass
    return WorkerResult.from_message(session.result()["counts"])


def answering(*replies: Reply) -> Ask:
    """Give one reply after the other, again and again, each after a moment."""
    asked: list[UUID] = []

    def ask(request: HttpRequest, op_id: UUID) -> Reply:
        asked.append(op_id)
        assert len(asked) == len(set(asked))
        assert request.method == "POST"
        time.sleep(0.001)
        return replies[len(asked) % len(replies)]

    return ask


def test_a_closed_loop_asks_until_the_window_is_closed() -> None:
    session = session_now()
    result = run(session, answering(DONE))

    done = result.outcomes["charge"]["ok"]
    assert done > 10
    # The last one ends after the window.
    assert result.window_outcomes == {"ok": done - 1}
    assert result.ended_good == done - 1
    assert result.charged_cents > 0
    assert len(session.result()["times"]) == 4 * (done - 1)


def test_a_user_whom_an_outage_meets_waits_a_moment_and_one_who_is_refused_does_not() -> None:
    refused = Reply(409, problems.refused("no").body)

    away = run(session_now(), answering(Reply(0, error=ConnectionRefusedError())))
    unavailable = run(session_now(), answering(Reply(503, problems.unavailable().body)))
    told = run(session_now(), answering(refused))

    longest = PLAN.window_s / OUTAGE_PAUSE_S + 1
    assert away.outcomes["charge"]["failed"] <= longest
    assert unavailable.outcomes["charge"]["failed"] <= longest
    assert told.outcomes["charge"]["failed"] > longest


def test_a_closed_loop_waits_for_its_beginning() -> None:
    begins_ns = monotonic_ns() + 100_000_000
    window = Window.of(begins_ns, begins_ns, begins_ns + 50_000_000)
    asked_ns: list[int] = []

    def ask(request: HttpRequest, op_id: UUID) -> Reply:  # noqa: ARG001
        asked_ns.append(monotonic_ns())
        time.sleep(0.005)
        return DONE

    run(LoadSession(PLAN, window, 0), ask)

    assert min(asked_ns) >= begins_ns


def test_every_operation_has_one_outcome_whatever_is_answered() -> None:
    refused = Reply(503, problems.overloaded().body)
    session = session_now()
    result = run(session, answering(DONE, refused, Reply(0), Reply(502, b"no")))

    counts = result.outcomes["charge"]
    assert set(counts) == {"ok", "failed", "indeterminate"}
    assert len(session.in_doubt) == counts["indeterminate"]
    assert counts["indeterminate"] == pytest.approx(2 * counts["ok"], abs=2)
    assert result.failures["refused"] > 0
    latencies = {
        name: sum(map(sum, (each.values() for each in intervals)))
        for name, intervals in result.latency_counts.items()
    }
    assert latencies == result.window_outcomes


def test_an_operation_whose_user_is_ended_meanwhile_is_in_doubt() -> None:
    session = session_now()

    def ask(request: HttpRequest, op_id: UUID) -> Reply:  # noqa: ARG001
        raise SystemExit

    with pytest.raises(SystemExit):
        session.run_next(session.new_mix(), ask)

    counts = session.result()["counts"]
    assert counts["outcomes"] == {"charge": {"indeterminate": 1}}
    assert len(session.in_doubt) == 1


def test_at_a_rate_every_arrival_is_sent_and_its_latency_runs_from_when_it_was_due() -> None:
    plan = replace(PLAN, rate_per_s=200.0, arrivals="even", max_wait_s=5.0)
    slow = answering(DONE)

    def ask(request: HttpRequest, op_id: UUID) -> Reply:
        time.sleep(0.010)
        return slow(request, op_id)

    result = run(session_now(plan), ask)

    # One user takes some 11 ms for each, and one is due every 5: the last ones wait longest.
    assert result.window_outcomes == {"ok": 40}
    assert result.schedule_lag_counts
    waited_us = max(index for index in result.schedule_lag_counts)
    assert waited_us > 100
    assert sum(result.schedule_lag_counts.values()) == 40


def test_at_a_rate_nobody_waits_for_what_comes_too_late() -> None:
    plan = replace(PLAN, rate_per_s=200.0, arrivals="even", max_wait_s=0.05)

    def ask(request: HttpRequest, op_id: UUID) -> Reply:  # noqa: ARG001
        time.sleep(0.02)
        return DONE

    result = run(session_now(plan), ask)

    assert result.window_outcomes["skipped"] > 0
    assert result.window_outcomes["ok"] > 0
    assert sum(result.window_outcomes.values()) == 40


def test_every_attempt_is_put_on_record_for_a_judge(tmp_path: Path) -> None:
    plan = replace(PLAN, journals=str(tmp_path))
    refused = Reply(503, problems.overloaded().body)
    session = session_now(plan)
    result = run(session, answering(DONE, refused, Reply(0)))

    (records,) = read_attempts(tmp_path)
    outcomes = [OUTCOMES[each] for each in records["outcome"]]
    assert outcomes == [OUTCOMES[each] for each in records["final"]]
    counts = result.outcomes["charge"]
    assert {each: outcomes.count(each) for each in counts} == counts
    assert set(records["stage"]) == {Stage.COMMIT_SENT}
    assert all(records["cents"] > 0)
    assert len({each.tobytes() for each in records["op_id"]}) == len(records)


def test_users_of_one_process_ask_for_different_things() -> None:
    session = session_now()

    assert session.new_mix().next() != session.new_mix().next()
