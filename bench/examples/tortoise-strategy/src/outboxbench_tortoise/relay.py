"""What a relay needs of Tortoise: single statements, each a transaction of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from outboxbench.core.strategies.asyncpg_report import DISCONNECTIONS, report_of
from outboxbench.core.strategies.asyncpg_watched import fetch_watched
from outboxbench.core.strategies.server_report import translate

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tortoise.backends.asyncpg.client import AsyncpgDBClient

    from outboxbench.core.strategies.relay_plans.executor import Row


class TortoiseExecutor:
    """Runs statements that no model stands for."""

    def __init__(self, client: AsyncpgDBClient) -> None:
        self._client = client

    async def fetch(self, statement: str, *parameters: object) -> Iterable[Row]:
        """Run a statement and return its rows."""
        try:
            # Its own `execute_query` makes dictionaries of rows, where names may come twice.
            async with self._client.acquire_connection() as connection:
                return await fetch_watched(connection, statement, *parameters)
        except Exception as error:
            raise translate(error, report_of, disconnections=DISCONNECTIONS) from error
