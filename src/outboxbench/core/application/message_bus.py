"""Routes a message to its handlers, and what they answer to theirs, until nothing is left.

The events that a unit of work stores are not routed here: they wait in the outbox for the relay.
What cascades is what event handlers answer.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any, TypeAlias
from uuid import UUID, uuid5

from outboxbench.core.application.outcome import Attempt
from outboxbench.core.domain.message import Command, Message

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from outboxbench.core.application.ports import UnitOfWork

CommandHandler: TypeAlias = "Callable[[Any, UnitOfWork], Awaitable[None]]"
"""Handles one type of command in the unit of work that it is given."""

EventHandler: TypeAlias = "Callable[[Any], Awaitable[Sequence[Command | Message]]]"
"""Answers one type of event with what has to happen next."""


class StopHandling(Exception):
    """Raised by an event handler: this event needs none of the handlers after it."""


class NoHandler(LookupError):
    """No handler is registered for a command."""


class MessageBus:
    """One handler a command, any number an event. Keeps no state between messages."""

    __slots__ = ("_command_handlers", "_event_handlers", "_unit_of_work")

    def __init__(
        self,
        unit_of_work: Callable[[Attempt], UnitOfWork],
        command_handlers: Mapping[type[Command], CommandHandler],
        event_handlers: Mapping[type[Message], Sequence[EventHandler]],
    ) -> None:
        self._unit_of_work = unit_of_work
        self._command_handlers = command_handlers
        self._event_handlers = event_handlers

    async def handle(self, message: Command | Message, attempt: Attempt) -> None:
        """Handle a message and all that follows from it.

        A command runs under the attempt's own `op_id`; each one that follows from an event runs
        under an `op_id` derived from it, so that a repetition is recognised all the way down.

        Raises:
            NoHandler: a command that nobody handles.
            Exception: whatever a handler raised; what was still waiting is not handled.
        """
        if isinstance(message, Command):
            await self._run(message, attempt)
            return
        waiting: deque[tuple[Command | Message, UUID]] = deque([(message, attempt.op_id)])
        while waiting:
            current, op_id = waiting.popleft()
            if isinstance(current, Command):
                await self._run(current, Attempt(op_id))
                continue
            answers = await self._ask_handlers(current)
            waiting.extend(
                (answer, uuid5(op_id, str(number))) for number, answer in enumerate(answers)
            )

    async def _run(self, command: Command, attempt: Attempt) -> None:
        handler = self._command_handlers.get(type(command))
        if handler is None:
            raise NoHandler(f"nothing handles the command {type(command).__name__}")
        await handler(command, self._unit_of_work(attempt))

    async def _ask_handlers(self, event: Message) -> list[Command | Message]:
        answers: list[Command | Message] = []
        for handler in self._event_handlers.get(type(event), ()):
            try:
                answers.extend(await handler(event))
            except StopHandling:
                break
        return answers
