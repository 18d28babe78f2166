"""Requests of one kind, in the order they came, and who of them may travel now.

An aggregate that is being written is in one batch at most, whatever the number of connections: its
next change waits, and so does who wants to read it, since a change under way makes every read
stale. It is handed to one reader at a time, so that those who all want to change it need not all
but one fail; but nobody waits for a reader that does not go straight from its read to its write: a
unit of work may well read and then wait for another one.
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections import deque
from typing import TYPE_CHECKING, Generic, TypeVar

from outboxbench.core.application.outcome import VersionConflict
from outboxbench.core.strategies.group.requests import Queue, Request, WriteRequest

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

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
        self._queues: dict[int, Queue] = {}

    def is_pending(self, key: int) -> bool:
        """Tell whether a change of this aggregate waits or is being stored."""
        return key in self._queues

    def add(self, request: WriteRequest) -> None:
        """Let a change wait for its turn."""
        queue = self._queues.get(request.key)
        if queue is None:
            queue = self._queues[request.key] = Queue()
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
                request.key: request.version + 1
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
            del self._queues[request.key]

    def _refuse_stale(self, stored_versions: dict[int, int]) -> None:
        # The server would say the same, at the price of a place in the next batch.
        for request in self._waiting if stored_versions else ():
            stored_version = stored_versions.get(request.key, 0)
            if 0 < request.version < stored_version:
                aggregate = request.change.aggregate
                request.refuse(
                    VersionConflict(aggregate.aggregate_type, aggregate.id, request.version)
                )


class ReadLane(Lane[Request]):
    """The reads of one type of aggregate, whose changes travel in `writes`.

    `notify_ready` is called when requests may have become ready that were not when they came.
    """

    def __init__(
        self,
        run: Callable[[GroupSession, list[Request]], Awaitable[None]],
        writes: WriteLane,
        notify_ready: Callable[[], None],
    ) -> None:
        super().__init__(run)
        self._writes = writes
        self._notify_ready = notify_ready
        self._with_a_reader: set[int] = set()

    def end(self, batch: list[Request]) -> None:
        """Let the next readers travel once those of the batch have had one turn of the loop.

        In that turn whoever goes straight on has its change in `writes`, where it holds them back.
        """
        asyncio.get_running_loop().call_soon(self._hand_on, batch)

    def _hand_on(self, batch: list[Request]) -> None:
        self._with_a_reader.difference_update([request.key for request in batch])
        self._notify_ready()

    def _may_travel(self, request: Request) -> bool:
        return request.key not in self._with_a_reader and not self._writes.is_pending(request.key)

    def _depart(self, request: Request) -> None:
        self._with_a_reader.add(request.key)
