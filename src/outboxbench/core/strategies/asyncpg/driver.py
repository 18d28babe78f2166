"""Sends statements through asyncpg, and gives connections back."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

from asyncpg import InterfaceError

from outboxbench.core.strategies.asyncpg_report import DISCONNECTIONS, report_of
from outboxbench.core.strategies.raw_driver import RawDriver
from outboxbench.core.strategies.server_report import translate

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import asyncpg
    from asyncpg.pool import PoolConnectionProxy

    from outboxbench.core.application.outcome import PersistenceError


class AsyncpgDriver(RawDriver):
    """What units of work over asyncpg share, whatever their write plan."""

    __slots__ = ()

    _pool: asyncpg.Pool
    _connection: PoolConnectionProxy  # unset until it is acquired

    async def _fetch_row(self, statement: str, *parameters: object) -> Iterable[Any] | None:
        self.awaited.looks = 0
        return await self._connection.fetchrow(statement, *parameters)

    async def _fetch_rows(self, statement: str, *parameters: object) -> Iterable[Iterable[Any]]:
        self.awaited.looks = 0
        return await self._connection.fetch(statement, *parameters)

    async def _execute(self, statement: str, *parameters: object) -> int:
        self.awaited.looks = 0
        tag = await self._connection.execute(statement, *parameters)
        return int(tag.rpartition(" ")[2])

    async def _execute_many(self, statement: str, rows: Sequence[tuple[Any, ...]]) -> None:
        self.awaited.looks = 0
        await self._connection.executemany(statement, rows)

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
