"""Every failed attempt gets the outcome that was proved, and a reason."""

from __future__ import annotations

import asyncio
from uuid import UUID

import pytest

from outboxbench.core.application.outcome import (
    AggregateNotFound,
    FailureKind,
    Outcome,
    PersistenceError,
    Stage,
    VersionConflict,
    failure_kind,
    kind_of_sqlstate,
    outcome_of,
)
from outboxbench.core.domain.aggregate import Refused

ANSWERED = PersistenceError("the server said no", FailureKind.CONSTRAINT, answered=True)
UNANSWERED = PersistenceError("nobody answered", FailureKind.CONNECTION)
CONFLICT = VersionConflict("account", UUID(int=7), 1)
UNKNOWN = AggregateNotFound("account", UUID(int=7))
ERRORS = [
    ANSWERED,
    UNANSWERED,
    CONFLICT,
    UNKNOWN,
    Refused("no"),
    RuntimeError("a bug"),
    asyncio.CancelledError(),
]


@pytest.mark.parametrize("stage", [Stage.ACQUIRE, Stage.BEGIN, Stage.WORK])
@pytest.mark.parametrize("error", ERRORS, ids=repr)
def test_before_the_commit_was_sent_every_error_is_a_failure(
    error: BaseException, stage: Stage
) -> None:
    assert outcome_of(error, stage) is Outcome.FAILED


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (ANSWERED, Outcome.FAILED),
        (CONFLICT, Outcome.FAILED),
        (UNANSWERED, Outcome.INDETERMINATE),
        (asyncio.CancelledError(), Outcome.INDETERMINATE),
        (TimeoutError(), Outcome.INDETERMINATE),
        (RuntimeError("a bug"), Outcome.INDETERMINATE),
        (Refused("too late"), Outcome.INDETERMINATE),
    ],
    ids=repr,
)
def test_once_the_commit_was_sent_only_an_answer_proves_a_failure(
    error: BaseException, outcome: Outcome
) -> None:
    assert outcome_of(error, Stage.COMMIT_SENT) is outcome


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (ANSWERED, FailureKind.CONSTRAINT),
        (CONFLICT, FailureKind.VERSION_CONFLICT),
        (UNKNOWN, FailureKind.NOT_FOUND),
        (Refused("no"), FailureKind.REFUSED),
        (RuntimeError("a bug"), FailureKind.OTHER),
        (asyncio.CancelledError(), FailureKind.OTHER),
    ],
    ids=repr,
)
def test_a_failure_has_a_reason(error: BaseException, kind: FailureKind) -> None:
    assert failure_kind(error) is kind


@pytest.mark.parametrize(
    ("sqlstate", "kind"),
    [
        ("40P01", FailureKind.DEADLOCK),
        ("40001", FailureKind.SERIALISATION),
        ("57014", FailureKind.TIMEOUT),  # statement_timeout
        ("55P03", FailureKind.TIMEOUT),  # lock_timeout
        ("25P03", FailureKind.TIMEOUT),  # idle_in_transaction_session_timeout
        ("25P04", FailureKind.TIMEOUT),  # transaction_timeout
        ("23505", FailureKind.CONSTRAINT),
        ("23514", FailureKind.CONSTRAINT),
        ("08006", FailureKind.CONNECTION),
        ("57P01", FailureKind.CONNECTION),  # terminated by an administrator
        ("53300", FailureKind.CONNECTION),  # too many connections
        ("25P02", FailureKind.OTHER),
        ("42P01", FailureKind.OTHER),
        ("P0001", FailureKind.OTHER),
    ],
)
def test_a_sqlstate_stands_for_a_reason(sqlstate: str, kind: FailureKind) -> None:
    assert kind_of_sqlstate(sqlstate) is kind
