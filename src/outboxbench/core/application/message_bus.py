"""Routes a message to its handlers, and what they answer to theirs, until nothing is left.

The events that a unit of work stores are not routed here: they wait in the outbox for the relay.
What cascades is what event handlers answer.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
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


@dataclass(frozen=True, slots=True)
class Consequence:
    """A command that an event leads to; its `op_id` is the same whenever the event is handled.

    `handler` names who asked for it, and is another one for every consequence of an event.
    """

    command: Command
    op_id: UUID
    handler: str


class MessageBus:
    """One handler a command, any number an event. Keeps no state between messages."""

    __slots__ = ("_command_handlers", "_event_handlers", "_unit_of_work")

    def __init__(
        self,
        unit_of_work: Callable[[Attempt], UnitOfWork],
        command_handlers: Mapping[type[Command], CommandHandler],
        event_handlers: Mapping[Any, Sequence[EventHandler]],
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
        for consequence in await self.consequences(message, attempt.op_id):
            await self._run(consequence.command, Attempt(consequence.op_id))

    async def consequences(self, event: Message, op_id: UUID) -> list[Consequence]:
        """Ask the handlers of an event, and of the events that they answer, what has to be done.

        Raises:
            Exception: whatever a handler raised.
        """
        found: list[Consequence] = []
        waiting: deque[tuple[Message, UUID, str]] = deque([(event, op_id, "")])
        while waiting:
            current, current_id, path = waiting.popleft()
            answers = await self._ask_handlers(current)
            for number, (handler, answer) in enumerate(answers):
                answer_id, name = uuid5(current_id, str(number)), f"{path}{handler}/{number}"
                if isinstance(answer, Command):
                    found.append(Consequence(answer, answer_id, name))
                else:
                    waiting.append((answer, answer_id, f"{name}/"))
        return found

    async def _run(self, command: Command, attempt: Attempt) -> None:
        handler = self._command_handlers.get(type(command))
        if handler is None:
            raise NoHandler(f"nothing handles the command {type(command).__name__}")
        await handler(command, self._unit_of_work(attempt))

    async def _ask_handlers(self, event: Message) -> list[tuple[str, Command | Message]]:
        answers: list[tuple[str, Command | Message]] = []
        for handler in self._event_handlers.get(type(event), ()):
            try:
                name = getattr(handler, "__name__", type(handler).__name__)
                answers.extend((name, answer) for answer in await handler(event))
            except StopHandling:
                break
        return answers
