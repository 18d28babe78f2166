"""Runs the statements of a relay on a pool of psycopg connections."""

from __future__ import annotations

from typing import TYPE_CHECKING

from psycopg_pool import PoolTimeout

from outboxbench.core.strategies.psycopg_report import DISCONNECTIONS, report_of
from outboxbench.core.strategies.server_report import translate

if TYPE_CHECKING:
    from collections.abc import Iterable

    from outboxbench.core.strategies.psycopg.connection import Connection
    from outboxbench.core.strategies.psycopg.pool import Pool
    from outboxbench.core.strategies.relay_plans.executor import Row


class PsycopgExecutor:
    """Each statement is a transaction of its own."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def fetch(self, statement: str, *parameters: object) -> Iterable[Row]:
        """Run a statement and return its rows."""
        try:
            async with self._pool.connection() as connection:
                if connection.autocommit:
                    return await _fetch(connection, statement, parameters)
                # A flag of the client's: neither costs a round trip.
                await connection.set_autocommit(True)
                try:
                    return await _fetch(connection, statement, parameters)
                finally:
                    if not connection.broken:
                        await connection.set_autocommit(False)
        except Exception as error:
            raise translate(
                error, report_of, timeouts=(PoolTimeout,), disconnections=DISCONNECTIONS
            ) from error


async def _fetch(
    connection: Connection, statement: str, parameters: tuple[object, ...]
) -> list[Row]:
    cursor = connection.kept_cursor
    connection.awaited.looks = 0
    try:
        await cursor.execute(statement, parameters)
        return [] if cursor.description is None else await cursor.fetchall()
    finally:
        connection.awaited.looks = None
