"""One transaction over psycopg."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from outboxbench.core.application.outcome import Stage
from outboxbench.core.strategies.psycopg.driver import PsycopgDriver
from outboxbench.core.strategies.statements_unit_of_work import StatementsUnitOfWork

if TYPE_CHECKING:
    from psycopg_pool import AsyncConnectionPool

    from outboxbench.core.application.outcome import Attempt


class PsycopgUnitOfWork(PsycopgDriver, StatementsUnitOfWork):
    """Statement by statement; psycopg sends BEGIN by itself before the first."""

    __slots__ = ("_binary", "_connection", "_pool")

    def __init__(self, pool: AsyncConnectionPool[Any], attempt: Attempt, binary: bool) -> None:
        super().__init__(attempt)
        self._pool = pool
        self._binary = binary

    async def _begin(self) -> None:
        self._connection = await self._pool.getconn()
        self.attempt.stage = Stage.BEGIN

    async def _commit(self) -> None:
        await self._connection.commit()

    async def _rollback(self) -> None:
        await self._connection.rollback()
