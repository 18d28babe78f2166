"""The write plan `single` over asyncpg."""

from __future__ import annotations

from typing import TYPE_CHECKING

from outboxbench.core.application.outcome import Stage
from outboxbench.core.strategies.asyncpg.driver import AsyncpgDriver
from outboxbench.core.strategies.asyncpg_watched import awaited_of
from outboxbench.core.strategies.single_unit_of_work import SingleUnitOfWork

if TYPE_CHECKING:
    import asyncpg

    from outboxbench.core.application.outcome import Attempt


class AsyncpgSingleUnitOfWork(AsyncpgDriver, SingleUnitOfWork):
    """Each statement in an implicit transaction of its own."""

    __slots__ = ("_connection", "_pool")

    def __init__(self, pool: asyncpg.Pool, attempt: Attempt) -> None:
        super().__init__(attempt)
        self._pool = pool

    async def _begin(self) -> None:
        connection = self._connection = await self._pool.acquire()
        self.awaited = awaited_of(connection)
        self.attempt.stage = Stage.BEGIN
