"""Runs an operation to its outcome: one `op_id`, as many attempts as the policy allows."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, TypeAlias
from uuid import uuid4

from outboxbench.core.application.outcome import (
    Attempt,
    FailureKind,
    Outcome,
    PersistenceError,
    failure_kind,
    outcome_of,
)

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from uuid import UUID

    from outboxbench.core.application.backoff import Backoff
    from outboxbench.core.application.inbox import InboxEntry
    from outboxbench.core.application.message_bus import MessageBus
    from outboxbench.core.application.retry_budget import RetryBudget
    from outboxbench.core.domain.message import Command

RETRIABLE = frozenset(
    {FailureKind.VERSION_CONFLICT, FailureKind.SERIALISATION, FailureKind.DEADLOCK}
)
"""Failures that say: the same command may well succeed now."""

OUTAGES = frozenset({FailureKind.CONNECTION, FailureKind.TIMEOUT})
"""Failures that say: the same command may succeed in a while."""

InDoubt: TypeAlias = Literal["stop", "go_on", "repeat"]
"""What follows an attempt that may have committed: nothing; another one under the same `op_id`,
once it was looked up; or the same again as though it had not, which applies it twice if it has."""


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How often an operation is tried before it counts as failed.

    Args:
        max_attempts: the first one included.
        retried: the failures after which it is tried again.
        in_doubt: what follows an attempt that may have committed.
        backoff: how long to wait before each further attempt; at once if absent.
        budget: what retries after outages are paid from; shared by those who fail together.
    """

    max_attempts: int = 10
    retried: frozenset[FailureKind] = RETRIABLE
    in_doubt: InDoubt = "stop"
    backoff: Backoff | None = None
    budget: RetryBudget | None = None


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
    *,
    was_committed: Callable[[UUID], Awaitable[bool]] | None = None,
    new_attempt: Callable[[UUID, InboxEntry | None], Attempt] = Attempt,
) -> OperationResult:
    """Try a command until it has an outcome that another attempt would not improve.

    An attempt that may have committed leaves the operation in doubt. From then on whatever refuses
    a further attempt may be the first one's own doing, so the operation is looked up instead; it
    has failed only where nothing was ever in doubt.

    Args:
        bus: handles the command.
        command: what to do.
        op_id: of every attempt, unless the policy repeats blindly.
        policy: how often, and after what.
        inbox: committed along with a command that follows from a message.
        was_committed: tells whether an `op_id` is in the database; where it is not given, nothing
            is looked up, and an operation in doubt stays so.
        new_attempt: makes each attempt, for those who watch how far it gets.
    """
    attempts = 0
    in_doubt = False
    if policy.budget is not None:
        policy.budget.earn()
    while True:
        attempts += 1
        attempt = new_attempt(op_id, inbox)
        try:
            await bus.handle(command, attempt)
        except Exception as error:
            outcome, failure = outcome_of(error, attempt.stage), failure_kind(error)
            last = error
            attempt.failed(outcome, failure)
        else:
            return _OK_AT_ONCE if attempts == 1 else OperationResult(Outcome.OK, attempts)
        if outcome is Outcome.INDETERMINATE:
            if policy.in_doubt == "repeat":
                op_id = uuid4()
            else:
                in_doubt = True
        may_go_on = _may_go_on(policy, outcome, failure, attempts)
        if may_go_on and policy.backoff is not None:
            await asyncio.sleep(policy.backoff.delay_s(attempts))
        if in_doubt and was_committed is not None and await _is_found(was_committed, op_id):
            return OperationResult(Outcome.OK_RECOVERED, attempts, failure, last)
        if not may_go_on:
            final = Outcome.INDETERMINATE if in_doubt else outcome
            return OperationResult(final, attempts, failure, last)


def _may_go_on(policy: RetryPolicy, outcome: Outcome, failure: FailureKind, attempts: int) -> bool:
    if attempts >= policy.max_attempts:
        return False
    if outcome is Outcome.INDETERMINATE:
        if policy.in_doubt == "stop":
            return False
    elif failure not in policy.retried:
        return False
    return policy.budget is None or failure in RETRIABLE or policy.budget.spend()


async def _is_found(was_committed: Callable[[UUID], Awaitable[bool]], op_id: UUID) -> bool:
    """Whether an operation is known to be committed; that nobody answers does not say no."""
    try:
        return await was_committed(op_id)
    except PersistenceError:
        return False
