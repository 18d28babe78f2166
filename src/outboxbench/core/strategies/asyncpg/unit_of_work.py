"""One transaction over asyncpg."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

from asyncpg import InterfaceError

from outboxbench.core.application.outcome import Stage
from outboxbench.core.strategies.asyncpg_report import DISCONNECTIONS, report_of
from outboxbench.core.strategies.raw_unit_of_work import RawUnitOfWork
from outboxbench.core.strategies.server_report import translate

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import asyncpg
    from asyncpg.pool import PoolConnectionProxy
    from asyncpg.transaction import Transaction

    from outboxbench.core.application.outcome import Attempt, PersistenceError


class AsyncpgUnitOfWork(RawUnitOfWork):
    """Statement by statement, in an explicit transaction."""

    __slots__ = ("_connection", "_pool", "_transaction")

    def __init__(self, pool: asyncpg.Pool, attempt: Attempt) -> None:
        super().__init__(attempt)
        self._pool = pool
        self._connection: PoolConnectionProxy  # unset until it is acquired
        self._transaction: Transaction

    async def _begin(self) -> None:
        connection = self._connection = await self._pool.acquire()
        self.attempt.stage = Stage.BEGIN
        self._transaction = connection.transaction()
        await self._transaction.start()

    async def _fetch_row(self, statement: str, *parameters: object) -> Iterable[Any] | None:
        return await self._connection.fetchrow(statement, *parameters)

    async def _fetch_rows(self, statement: str, *parameters: object) -> Iterable[Iterable[Any]]:
        return await self._connection.fetch(statement, *parameters)

    async def _execute(self, statement: str, *parameters: object) -> int:
        tag = await self._connection.execute(statement, *parameters)
        return int(tag.rpartition(" ")[2])

    async def _execute_many(self, statement: str, rows: Sequence[tuple[Any, ...]]) -> None:
        await self._connection.executemany(statement, rows)

    async def _commit(self) -> None:
        await self._transaction.commit()

    async def _rollback(self) -> None:
        # After a COMMIT that was answered with an error nothing is left to roll back.
        if self._connection.is_in_transaction():
            await self._transaction.rollback()

    async def _release(self, *, discard: bool) -> None:
        connection = getattr(self, "_connection", None)
        if connection is None:
            return
        if discard:
            # The pool has already taken back a connection that was lost, and says so.
            with suppress(InterfaceError):
                connection.terminate()
        await self._pool.release(connection)

    def _translate(self, error: Exception) -> PersistenceError:
        return translate(error, report_of, disconnections=DISCONNECTIONS)
