"""One transaction over asyncpg."""

from __future__ import annotations

from typing import TYPE_CHECKING

from outboxbench.core.application.outcome import Stage
from outboxbench.core.strategies.asyncpg.driver import AsyncpgDriver
from outboxbench.core.strategies.asyncpg_watched import awaited_of
from outboxbench.core.strategies.statements_unit_of_work import StatementsUnitOfWork

if TYPE_CHECKING:
    import asyncpg
    from asyncpg.transaction import Transaction

    from outboxbench.core.application.outcome import Attempt


class AsyncpgUnitOfWork(AsyncpgDriver, StatementsUnitOfWork):
    """Statement by statement, in an explicit transaction."""

    __slots__ = ("_connection", "_pool", "_transaction")

    _transaction: Transaction

    def __init__(self, pool: asyncpg.Pool, attempt: Attempt) -> None:
        super().__init__(attempt)
        self._pool = pool

    async def _begin(self) -> None:
        connection = self._connection = await self._pool.acquire()
        self.awaited = awaited_of(connection)
        self.attempt.stage = Stage.BEGIN
        self._transaction = connection.transaction()
        self.awaited.looks = 0
        await self._transaction.start()

    async def _commit(self) -> None:
        await self._transaction.commit()

    async def _rollback(self) -> None:
        # After a COMMIT that was answered with an error nothing is left to roll back.
        if self._connection.is_in_transaction():
            await self._transaction.rollback()
