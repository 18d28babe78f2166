"""One transaction over psycopg."""

from __future__ import annotations

from typing import TYPE_CHECKING

from outboxbench.core.application.outcome import Stage
from outboxbench.core.strategies.psycopg.driver import PsycopgDriver
from outboxbench.core.strategies.statements_unit_of_work import StatementsUnitOfWork

if TYPE_CHECKING:
    from outboxbench.core.application.outcome import Attempt
    from outboxbench.core.strategies.psycopg.pool import Pool


class PsycopgUnitOfWork(PsycopgDriver, StatementsUnitOfWork):
    """Statement by statement; psycopg sends BEGIN by itself before the first."""

    __slots__ = ("_connection", "_pool")

    def __init__(self, pool: Pool, attempt: Attempt) -> None:
        super().__init__(attempt)
        self._pool = pool

    async def _begin(self) -> None:
        connection = self._connection = await self._pool.getconn()
        self.awaited = connection.awaited
        self.attempt.stage = Stage.BEGIN

    async def _commit(self) -> None:
        await self._connection.commit()

    async def _rollback(self) -> None:
        await self._connection.rollback()
