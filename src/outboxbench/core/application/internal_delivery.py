"""Runs the handlers of a stored message, each effect in a transaction of its own, exactly once.

The `op_id` of a command that follows is derived from the message, and its inbox entry commits along
with it. So a message that comes again is recognised, even where the command by then is refused for
another reason: an order that is confirmed cannot be confirmed again.
"""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING
from uuid import UUID, uuid5

from outboxbench.core.application.delivery import HeldUp, MessageRefused, Unavailable
from outboxbench.core.application.inbox import InboxEntry
from outboxbench.core.application.outcome import FailureKind, Outcome, PersistenceError
from outboxbench.core.application.retry import RETRIABLE, run_operation
from outboxbench.core.domain.message import InternalMessage, Undecodable

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Mapping

    from outboxbench.core.application.message_bus import MessageBus
    from outboxbench.core.application.outbox import OutboxMessage
    from outboxbench.core.application.retry import OperationResult, RetryPolicy
    from outboxbench.core.domain.message import Command

# Between these a message waits its turn. Not all others with it: one row may be locked for hours.
_CONTENTION = RETRIABLE | {FailureKind.TIMEOUT}


class InternalDelivery:
    """Delivers to the handlers of a bus.

    Args:
        bus: routes events to their handlers, and commands to theirs.
        messages: the types that handlers react to.
        was_handled: tells whether an inbox entry is committed.
        policy: how often a command is tried that conflicts with another.
        concurrency: how many messages may be handled at a time: one a connection.
    """

    def __init__(
        self,
        bus: MessageBus,
        messages: Iterable[type[InternalMessage]],
        was_handled: Callable[[InboxEntry], Awaitable[bool]],
        policy: RetryPolicy,
        concurrency: int,
    ) -> None:
        self._bus = bus
        self._types = {message.topic: message for message in messages}
        self._was_handled = was_handled
        self._policy = policy
        self._room = asyncio.Semaphore(concurrency)

    async def deliver(self, message: OutboxMessage) -> None:
        """Return once every handler has committed its effect, now or at an earlier delivery.

        Raises:
            MessageRefused: the message cannot be read, or a handler fails on it.
            HeldUp: a handler could not commit as others were in its way.
            Unavailable: the database cannot be reached.
        """
        event = decode(message, self._types)
        async with self._room:
            base = uuid5(message.op_id, str(message.ordinal))
            try:
                consequences = await self._bus.consequences(event, base)
            except Exception as error:
                raise MessageRefused(f"a handler failed with {_named(error)}") from error
            for consequence in consequences:
                entry = InboxEntry(consequence.handler, message.op_id, message.ordinal)
                await self._run(consequence.command, consequence.op_id, entry)

    async def _run(self, command: Command, op_id: UUID, entry: InboxEntry) -> None:
        result = await run_operation(self._bus, command, op_id, self._policy, entry)
        if (
            result.outcome is Outcome.OK
            or result.failure is FailureKind.DUPLICATE_OPERATION
            or await self._handled_before(entry, result)
        ):
            return
        refusal = HeldUp if result.failure in _CONTENTION else MessageRefused
        reason = f"{type(command).__name__} failed with {_named(result.error)}"
        raise refusal(reason) from result.error

    async def _handled_before(self, entry: InboxEntry, result: OperationResult) -> bool:
        if result.outcome is Outcome.INDETERMINATE or result.failure is FailureKind.CONNECTION:
            raise Unavailable(_named(result.error)) from result.error
        try:
            return await self._was_handled(entry)
        except PersistenceError as error:
            raise Unavailable(_named(error)) from error


def decode(message: OutboxMessage, types: Mapping[str, type[InternalMessage]]) -> InternalMessage:
    """Read a message back.

    Raises:
        MessageRefused: its topic or its format is unknown here, or its state is not as it has to
            be.
    """
    type_ = types.get(message.topic)
    if type_ is None:
        raise MessageRefused(f"no handler here knows the topic {message.topic!r}")
    try:
        state = json.loads(message.state)
        if not isinstance(state, dict):
            raise Undecodable(f"it is {type(state).__name__} and no object")
        if (format_ := state.get("format", 1)) != type_.format:
            raise Undecodable(f"it has format {format_!r}, and {type_.format} is known here")
        return type_.from_state(message.aggregate_id, message.version, state)
    except ValueError as error:
        raise MessageRefused(f"the state of {message.topic} cannot be read: {error}") from error


def _named(error: BaseException | None) -> str:
    return f"{type(error).__name__}: {error}"
