"""Requests of one kind, in the order they came, and who of them may travel now.

An aggregate that is being written is in one batch at most, whatever the number of connections: its
next change waits, and so does who wants to read it, since a change under way makes every read
stale. Nobody waits for a reader: a unit of work may well read and then wait for another one.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import deque
from typing import TYPE_CHECKING, Generic, TypeVar

from outboxbench.core.application.outcome import VersionConflict
from outboxbench.core.strategies.group.requests import Queue, Request, WriteRequest

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from uuid import UUID

    from outboxbench.core.strategies.group.session import GroupSession

R = TypeVar("R", bound=Request)

MAX_BATCH = 32
"""More of them in a batch gain little, and leave the other connections with nothing to do."""


class Lane(ABC, Generic[R]):
    """The requests that one kind of statement serves.

    `run` answers every request of a batch, and raises only where its connection is lost.
    """

    def __init__(self, run: Callable[[GroupSession, list[R]], Awaitable[None]]) -> None:
        self._run = run
        self._waiting: deque[R] = deque()

    def add(self, request: R) -> None:
        """Let a request wait for its turn."""
        self._waiting.append(request)

    @property
    def is_ready(self) -> bool:
        """Whether anybody may travel now, or has gone away and wants to be forgotten."""
        return any(request.answer.done() or self._may_travel(request) for request in self._waiting)

    def take(self) -> list[R]:
        """Return what may travel now, and forget who has gone away meanwhile."""
        batch: list[R] = []
        kept: deque[R] = deque()
        for request in self._waiting:
            if request.answer.done():
                self._forget(request)
            elif len(batch) < MAX_BATCH and self._may_travel(request):
                self._depart(request)
                batch.append(request)
            else:
                kept.append(request)
        self._waiting = kept
        return batch

    async def run(self, session: GroupSession, batch: list[R]) -> None:
        """Serve a batch that was taken, and have an answer for each of it whatever happens."""
        try:
            await self._run(session, batch)
        finally:
            self.end(batch)

    def end(self, batch: list[R]) -> None:
        """Note that a batch which was taken is answered."""

    @abstractmethod
    def _may_travel(self, request: R) -> bool: ...

    def _depart(self, request: R) -> None:
        """Note that a request travels."""

    def _forget(self, request: R) -> None:
        """Note that a request is answered, or has gone away."""


class WriteLane(Lane[WriteRequest]):
    """The changes of one type of aggregate."""

    def __init__(self, run: Callable[[GroupSession, list[WriteRequest]], Awaitable[None]]) -> None:
        super().__init__(run)
        self._queues: dict[UUID, Queue] = {}

    def is_pending(self, aggregate_id: UUID) -> bool:
        """Tell whether a change of this aggregate waits or is being stored."""
        return aggregate_id in self._queues

    def add(self, request: WriteRequest) -> None:
        """Let a change wait for its turn."""
        queue = self._queues.get(request.aggregate_id)
        if queue is None:
            queue = self._queues[request.aggregate_id] = Queue()
        queue.length += 1
        request.queue = queue
        super().add(request)

    def end(self, batch: list[WriteRequest]) -> None:
        """Let the next changes of these aggregates travel, unless they have just become stale."""
        for request in batch:
            request.queue.in_flight = False
            self._forget(request)
        self._refuse_stale(
            {
                request.aggregate_id: request.version + 1
                for request in batch
                if request.queue.length and request.was_stored
            }
        )

    def _may_travel(self, request: WriteRequest) -> bool:
        return not request.queue.in_flight

    def _depart(self, request: WriteRequest) -> None:
        request.queue.in_flight = True

    def _forget(self, request: WriteRequest) -> None:
        request.queue.length -= 1
        if not request.queue.length:
            del self._queues[request.aggregate_id]

    def _refuse_stale(self, stored_versions: dict[UUID, int]) -> None:
        # The server would say the same, at the price of a place in the next batch.
        for request in self._waiting if stored_versions else ():
            stored_version = stored_versions.get(request.aggregate_id, 0)
            if 0 < request.version < stored_version:
                aggregate = request.change.aggregate
                request.refuse(
                    VersionConflict(aggregate.aggregate_type, aggregate.id, request.version)
                )


class ReadLane(Lane[Request]):
    """The reads of one type of aggregate, whose changes travel in `writes`."""

    def __init__(
        self, run: Callable[[GroupSession, list[Request]], Awaitable[None]], writes: WriteLane
    ) -> None:
        super().__init__(run)
        self._writes = writes

    def _may_travel(self, request: Request) -> bool:
        return not self._writes.is_pending(request.aggregate_id)
