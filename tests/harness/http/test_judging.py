"""What an answer of the service, or none, makes of an operation."""

from __future__ import annotations

import pytest

from outboxbench.core.application.outcome import FailureKind, Outcome
from outboxbench.harness.http.judging import judge_answer, judge_silence, server_times_us
from outboxbench.web import problems
from outboxbench.web.endpoints import server_timing


@pytest.mark.parametrize("status", [200, 201, 204])
def test_what_is_answered_well_is_done(status: int) -> None:
    assert judge_answer(status, b"{}").outcome is Outcome.OK


@pytest.mark.parametrize(
    ("problem", "failure"),
    [
        (problems.overloaded(), FailureKind.REFUSED),
        (problems.unavailable(), FailureKind.CONNECTION),
        (problems.version_conflict(), FailureKind.VERSION_CONFLICT),
        (problems.refused("no"), FailureKind.REFUSED),
        (problems.not_found("no"), FailureKind.NOT_FOUND),
        (problems.already_exists(), FailureKind.CONSTRAINT),
        (problems.malformed("no"), FailureKind.REFUSED),
    ],
)
def test_what_the_service_says_was_not_done_has_failed(
    problem: problems.Problem, failure: FailureKind
) -> None:
    verdict = judge_answer(problem.status.value, problem.body)

    assert (verdict.outcome, verdict.failure) == (Outcome.FAILED, failure)


def test_what_the_service_does_not_know_itself_is_indeterminate() -> None:
    from uuid import uuid4

    for problem in (problems.in_doubt(uuid4()), problems.unexpected()):
        verdict = judge_answer(problem.status.value, problem.body)
        assert verdict.outcome is Outcome.INDETERMINATE


def test_a_gateway_that_says_nothing_of_the_operation_leaves_it_in_doubt() -> None:
    for status in (500, 502, 503, 504):
        assert judge_answer(status, b"<h1>Bad gateway</h1>").outcome is Outcome.INDETERMINATE


def test_what_was_never_sent_has_failed_and_what_was_not_answered_is_in_doubt() -> None:
    wrapped = OSError("cannot connect")
    wrapped.__cause__ = ConnectionRefusedError()
    for error in (ConnectionRefusedError(), wrapped):
        assert judge_silence(error).outcome is Outcome.FAILED
    for unknown in (ConnectionResetError(), TimeoutError(), None):
        assert judge_silence(unknown).outcome is Outcome.INDETERMINATE


def test_times_are_read_as_the_service_writes_them() -> None:
    told = server_timing(1_500_000, 250_000, 1_000)

    assert server_times_us(told) == {"pool": 1500, "transaction": 250, "service": 1}
    assert server_times_us(None) == {}
