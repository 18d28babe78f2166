"""Runs an operation to its outcome: one `op_id`, as many attempts as the policy allows."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from outboxbench.core.application.outcome import (
    Attempt,
    FailureKind,
    Outcome,
    failure_kind,
    outcome_of,
)

if TYPE_CHECKING:
    from uuid import UUID

    from outboxbench.core.application.inbox import InboxEntry
    from outboxbench.core.application.message_bus import MessageBus
    from outboxbench.core.domain.message import Command

RETRIABLE = frozenset(
    {FailureKind.VERSION_CONFLICT, FailureKind.SERIALISATION, FailureKind.DEADLOCK}
)
"""Failures that say: the same command may well succeed now."""


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How often an operation is tried before it counts as failed."""

    max_attempts: int = 10


@dataclass(frozen=True, slots=True)
class OperationResult:
    """What became of an operation after all its attempts."""

    outcome: Outcome
    attempts: int
    failure: FailureKind | None = None
    error: Exception | None = field(default=None, compare=False)


_OK_AT_ONCE = OperationResult(Outcome.OK, attempts=1)


async def run_operation(
    bus: MessageBus,
    command: Command,
    op_id: UUID,
    policy: RetryPolicy,
    inbox: InboxEntry | None = None,
) -> OperationResult:
    """Try a command until it has an outcome that another attempt would not improve.

    Where the command follows from a message, `inbox` is committed along with it.

    An indeterminate attempt ends the operation: trying again blindly could apply it twice.
    """
    attempts = 0
    while True:
        attempts += 1
        attempt = Attempt(op_id, inbox)
        try:
            await bus.handle(command, attempt)
        except Exception as error:
            outcome = outcome_of(error, attempt.stage)
            failure = failure_kind(error)
            if (
                outcome is Outcome.INDETERMINATE
                or failure not in RETRIABLE
                or attempts >= policy.max_attempts
            ):
                return OperationResult(outcome, attempts, failure, error)
        else:
            return _OK_AT_ONCE if attempts == 1 else OperationResult(Outcome.OK, attempts)
