"""Runs the statements of a relay on a pool of asyncpg connections."""

from __future__ import annotations

from typing import TYPE_CHECKING

from outboxbench.core.strategies.asyncpg_report import DISCONNECTIONS, report_of
from outboxbench.core.strategies.asyncpg_watched import fetch_watched
from outboxbench.core.strategies.server_report import translate

if TYPE_CHECKING:
    from collections.abc import Iterable

    import asyncpg

    from outboxbench.core.strategies.relay_plans.executor import Row


class AsyncpgExecutor:
    """Each statement is a transaction of its own."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    async def fetch(self, statement: str, *parameters: object) -> Iterable[Row]:
        """Run a statement and return its rows."""
        try:
            async with self._pool.acquire() as connection:
                return await fetch_watched(connection, statement, *parameters)
        except Exception as error:
            raise translate(error, report_of, disconnections=DISCONNECTIONS) from error
