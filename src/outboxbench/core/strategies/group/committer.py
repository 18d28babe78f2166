"""Brings requests and connections together: a batch is whatever is ready when one is free.

Nothing waits on a timer. While all connections are busy requests gather, so batches grow with the
load by themselves; alone, a request travels at once.
"""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from outboxbench.core.application.outcome import FailureKind, PersistenceError
from outboxbench.core.strategies.group.lane import ReadLane, WriteLane
from outboxbench.core.strategies.group.reads import read_accounts, read_orders
from outboxbench.core.strategies.group.writes import write_accounts, write_orders

if TYPE_CHECKING:
    from collections.abc import Callable

    from outboxbench.core.strategies.group.lane import Lane
    from outboxbench.core.strategies.group.requests import Request
    from outboxbench.core.strategies.group.session import GroupSession
    from outboxbench.core.strategies.settings import StrategySettings

CONNECTIONS = 3
"""More of them make for smaller batches: with a connection for each client there would be none."""

MAX_WAITING = 1024
"""How many requests may be in the lanes and on their way; who comes then waits outside."""


def group_settings(settings: StrategySettings) -> StrategySettings:
    """Return the settings with as many connections as the plan has a use for.

    The server is told to plan a statement once: where arrays are short it would else do so at every
    execution, which takes it longer than to execute it, for the sake of their length.
    """
    return replace(
        settings,
        pool_size=min(settings.pool_size, CONNECTIONS),
        own_parameters={**settings.own_parameters, "plan_cache_mode": "force_generic_plan"},
    )


class GroupCommitter:
    """Serves requests over a few connections.

    Args:
        new_session: returns a session, a connection of the pool once it is entered.
        connections: how many sessions may be entered at a time.
        max_waiting: how many requests may be under way before others are held back.
    """

    def __init__(
        self,
        new_session: Callable[[], GroupSession],
        connections: int,
        max_waiting: int = MAX_WAITING,
    ) -> None:
        self.account_writes = WriteLane(write_accounts)
        self.order_writes = WriteLane(write_orders)
        self.account_reads = ReadLane(read_accounts, self.account_writes, self._serve_more)
        self.order_reads = ReadLane(read_orders, self.order_writes, self._serve_more)
        self._new_session = new_session
        self._connections = connections
        # No semaphore: it would cost each request more than its place in a lane does.
        self._max_waiting = max_waiting
        self._under_way = 0
        self._has_room = asyncio.Event()
        # Served in turn, so that none can starve another.
        self._lanes: deque[Lane[Any]] = deque(
            (self.account_writes, self.account_reads, self.order_writes, self.order_reads)
        )
        self._batches: dict[asyncio.Task[None], list[Any]] = {}
        self._about_to_look = 0

    async def ask(self, lane: Lane[Any], request: Request) -> Any:
        """Return the answer to a request, once its turn has come.

        Raises:
            PersistenceError: the answer is an error, of this request alone.
        """
        while self._under_way >= self._max_waiting:
            self._has_room.clear()
            await self._has_room.wait()
        self._under_way += 1
        try:
            lane.add(request)
            self._serve_more()
            return await request.answer
        except asyncio.CancelledError:
            self._abandon(request)
            raise
        finally:
            self._under_way -= 1
            self._has_room.set()

    async def close(self) -> None:
        """Stop serving; who still waits is told that the connection is gone."""
        servers = list(self._batches)
        for server in servers:
            server.cancel()
        await asyncio.gather(*servers, return_exceptions=True)

    def _serve_more(self) -> None:
        # One at a time: until it has looked, there is no telling whether another is needed.
        if (
            not self._about_to_look
            and len(self._batches) < self._connections
            and any(lane.is_ready for lane in self._lanes)
        ):
            self._about_to_look += 1
            server = asyncio.get_running_loop().create_task(self._serve())
            self._batches[server] = []

    async def _serve(self) -> None:
        server = asyncio.current_task()
        assert server is not None
        connected = False
        try:
            async with self._new_session() as session:
                connected = True
                self._about_to_look -= 1
                while (turn := await self._next_turn_or_leave()) is not None:
                    lane, batch = turn
                    self._batches[server] = batch
                    self._serve_more()
                    await lane.run(session, batch)
                    self._batches[server] = []
        except BaseException as error:
            # Without a connection, that is the answer to all who are ready.
            _refuse_all(self._batches[server] if connected else self._take_all(), error)
            if not isinstance(error, Exception):
                raise
        finally:
            if not connected:
                self._about_to_look -= 1
            del self._batches[server]
            self._serve_more()

    async def _next_turn_or_leave(self) -> tuple[Lane[Any], list[Any]] | None:
        turn = self._next_turn()
        if turn is None:
            # Who has just been answered runs now and may well ask for more: the connection stays
            # for that, since to give it back and take it again costs more than many a statement.
            self._about_to_look += 1
            try:
                await asyncio.sleep(0)
            finally:
                self._about_to_look -= 1
            turn = self._next_turn()
        return turn

    def _next_turn(self) -> tuple[Lane[Any], list[Any]] | None:
        for _ in range(len(self._lanes)):
            lane = self._lanes[0]
            self._lanes.rotate(-1)
            if batch := lane.take():
                return lane, batch
        return None

    def _take_all(self) -> list[Any]:
        batches = []
        while (turn := self._next_turn()) is not None:
            lane, batch = turn
            lane.end(batch)
            batches += batch
        return batches

    def _abandon(self, request: Request) -> None:
        # A statement whose last unit of work has gone away may stand at a lock for nobody.
        for server, batch in self._batches.items():
            if request in batch and all(each.answer.done() for each in batch):
                server.cancel()


def _refuse_all(batch: list[Any], error: BaseException) -> None:
    for request in batch:
        # One of its own for each, since each is raised, and told on, by itself.
        request.refuse(
            PersistenceError(
                str(error), error.kind, sqlstate=error.sqlstate, answered=error.answered
            )
            if isinstance(error, PersistenceError)
            else PersistenceError(f"interrupted by {error!r}", FailureKind.OTHER)
        )
