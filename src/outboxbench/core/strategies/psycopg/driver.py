"""Sends statements through psycopg, and gives connections back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from psycopg_pool import PoolTimeout

from outboxbench.core.strategies.psycopg_report import DISCONNECTIONS, report_of
from outboxbench.core.strategies.raw_driver import RawDriver
from outboxbench.core.strategies.server_report import translate

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from outboxbench.core.application.outcome import PersistenceError
    from outboxbench.core.strategies.psycopg.connection import Connection
    from outboxbench.core.strategies.psycopg.pool import Pool


class PsycopgDriver(RawDriver):
    """What units of work over psycopg share, whatever their write plan."""

    __slots__ = ()

    _pool: Pool
    _connection: Connection  # unset until it is acquired

    async def _fetch_row(self, statement: str, *parameters: object) -> Iterable[Any] | None:
        self.awaited.looks = 0
        cursor = self._connection.kept_cursor
        await cursor.execute(statement, parameters)
        row: Iterable[Any] | None = await cursor.fetchone()
        return row

    async def _fetch_rows(self, statement: str, *parameters: object) -> Iterable[Iterable[Any]]:
        self.awaited.looks = 0
        cursor = self._connection.kept_cursor
        await cursor.execute(statement, parameters)
        return await cursor.fetchall()

    async def _execute(self, statement: str, *parameters: object) -> int:
        self.awaited.looks = 0
        cursor = self._connection.kept_cursor
        await cursor.execute(statement, parameters)
        return cursor.rowcount

    async def _execute_many(self, statement: str, rows: Sequence[tuple[Any, ...]]) -> None:
        self.awaited.looks = 0
        await self._connection.kept_cursor.executemany(statement, rows)

    async def _release(self, *, discard: bool) -> None:
        connection = getattr(self, "_connection", None)
        if connection is None:
            return
        try:
            if discard:
                await connection.close()
        finally:
            await self._pool.putconn(connection)

    def _translate(self, error: Exception) -> PersistenceError:
        return translate(error, report_of, timeouts=(PoolTimeout,), disconnections=DISCONNECTIONS)
