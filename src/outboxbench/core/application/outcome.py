"""Every attempt ends in exactly one outcome, judged by how far it got and what the server said.

The exceptions are what a strategy raises in place of its driver's own, so that nothing else
needs to know a driver.
"""

from __future__ import annotations

from enum import IntEnum, StrEnum
from typing import TYPE_CHECKING

from outboxbench.core.domain.aggregate import Refused

if TYPE_CHECKING:
    from uuid import UUID

    from outboxbench.core.application.inbox import InboxEntry


class Outcome(StrEnum):
    """What became of an operation."""

    OK = "ok"
    OK_RECOVERED = "ok_recovered"
    FAILED = "failed"
    INDETERMINATE = "indeterminate"
    SKIPPED = "skipped"


class Stage(IntEnum):
    """How far an attempt got. From `COMMIT_SENT` on, the server may have committed."""

    ACQUIRE = 0
    BEGIN = 1
    WORK = 2
    COMMIT_SENT = 3


class FailureKind(StrEnum):
    """Why an attempt did not succeed."""

    DEADLOCK = "deadlock"
    SERIALISATION = "serialisation"
    CONSTRAINT = "constraint"
    CONNECTION = "connection"
    TIMEOUT = "timeout"
    VERSION_CONFLICT = "version_conflict"
    DUPLICATE_OPERATION = "duplicate_operation"
    NOT_FOUND = "not_found"
    REFUSED = "refused"
    OTHER = "other"


class Attempt:
    """One try of an operation: the `op_id` that makes it unique, and how far it got.

    Where it handles a message, `inbox` is what it commits along with its change.
    """

    __slots__ = ("inbox", "op_id", "stage")

    def __init__(self, op_id: UUID, inbox: InboxEntry | None = None) -> None:
        self.op_id = op_id
        self.inbox = inbox
        self.stage = Stage.ACQUIRE

    def failed(self, outcome: Outcome, failure: FailureKind) -> None:
        """Take note that this attempt did not succeed; a subclass may keep it."""


class PersistenceError(Exception):
    """A strategy could not do what was asked.

    `answered` tells whether the server itself reported it with severity ERROR, after which
    nothing of the transaction can have been committed.
    """

    def __init__(
        self,
        message: str,
        kind: FailureKind,
        *,
        sqlstate: str | None = None,
        answered: bool = False,
    ) -> None:
        super().__init__(message)
        self.kind = kind
        self.sqlstate = sqlstate
        self.answered = answered


class VersionConflict(PersistenceError):
    """Another transaction changed the aggregate since it was read."""

    def __init__(self, aggregate_type: str, aggregate_id: UUID, version: int) -> None:
        super().__init__(
            f"{aggregate_type} {aggregate_id} is no longer at version {version}",
            FailureKind.VERSION_CONFLICT,
            answered=True,
        )


class AggregateNotFound(PersistenceError):
    """There is no aggregate with this id."""

    def __init__(self, aggregate_type: str, aggregate_id: UUID) -> None:
        super().__init__(
            f"there is no {aggregate_type} {aggregate_id}", FailureKind.NOT_FOUND, answered=True
        )


class CommitRefused(PersistenceError):
    """The unit of work cannot commit: it failed before, whether or not its caller noticed."""


def outcome_of(error: BaseException, stage: Stage) -> Outcome:
    """Judge a failed attempt.

    `failed` needs proof: the commit was never sent, or the server answered with an ERROR.
    All else, a cancellation included, may have been committed.
    """
    if stage < Stage.COMMIT_SENT:
        return Outcome.FAILED
    if isinstance(error, PersistenceError) and error.answered:
        return Outcome.FAILED
    return Outcome.INDETERMINATE


def failure_kind(error: BaseException) -> FailureKind:
    """Name the reason of a failed attempt."""
    if isinstance(error, PersistenceError):
        return error.kind
    return FailureKind.REFUSED if isinstance(error, Refused) else FailureKind.OTHER


def kind_of_sqlstate(sqlstate: str) -> FailureKind:
    """Name the reason that a SQLSTATE stands for (PostgreSQL manual, appendix A)."""
    match sqlstate:
        case "40P01":
            return FailureKind.DEADLOCK
        case "40001":
            return FailureKind.SERIALISATION
        case "57014" | "55P03" | "25P03" | "25P04":
            return FailureKind.TIMEOUT
    match sqlstate[:2]:
        case "23":
            return FailureKind.CONSTRAINT
        case "08" | "57" | "53":
            return FailureKind.CONNECTION
    return FailureKind.OTHER
