"""What a unit of work asks of the group: to be read for, or to be written."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from outboxbench.core.strategies.rows import encode_states

if TYPE_CHECKING:
    from asyncio import Future
    from collections.abc import Mapping
    from uuid import UUID

    from outboxbench.core.application.outcome import Attempt
    from outboxbench.core.application.unit_of_work import Change
    from outboxbench.core.domain.ordering import OrderLine


class Request:
    """Waits in a lane for a connection; `answer` resolves to what its lane says it does.

    `key` is the id as a number: a UUID is hashed in Python, which for a request adds up.
    """

    __slots__ = ("aggregate_id", "answer", "attempt", "key")

    def __init__(self, aggregate_id: UUID, attempt: Attempt, answer: Future[Any]) -> None:
        self.aggregate_id = aggregate_id
        self.key = aggregate_id.int
        self.attempt = attempt
        self.answer = answer

    def resolve(self, value: object) -> None:
        """Answer, unless the unit of work has gone away."""
        if not self.answer.done():
            self.answer.set_result(value)

    def refuse(self, error: BaseException) -> None:
        """Answer with an error, unless the unit of work has gone away."""
        if not self.answer.done():
            self.answer.set_exception(error)


class Queue:
    """The changes of one aggregate that wait or travel; one at most travels."""

    __slots__ = ("in_flight", "length")

    def __init__(self) -> None:
        self.length = 0
        self.in_flight = False


class WriteRequest(Request):
    """Asks for a change to be stored; it has a queue as soon as it is in a lane."""

    __slots__ = ("change", "queue", "states", "stored_lines", "version", "was_stored")

    queue: Queue

    def __init__(
        self,
        change: Change,
        stored_lines: Mapping[int, OrderLine],
        attempt: Attempt,
        answer: Future[Any],
    ) -> None:
        super().__init__(change.aggregate.id, attempt, answer)
        self.change = change
        self.stored_lines = stored_lines
        self.version = change.aggregate.version
        self.was_stored = False
        # Here, so that a message that cannot be encoded is nobody else's problem.
        self.states = encode_states(change)
