"""The outbox written over another connection than the state."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from outboxbench.core.strategies import statements as sql
from outboxbench.core.strategies.asyncpg.unit_of_work import AsyncpgUnitOfWork
from outboxbench_planted.opening import planted_strategy

if TYPE_CHECKING:
    from collections.abc import Sequence


class OutboxElsewhere(AsyncpgUnitOfWork):
    """Stores the messages through another connection, before the state is committed."""

    async def _execute_all(self, statement: str, rows: Sequence[tuple[Any, ...]]) -> None:
        if statement == sql.INSERT_MESSAGE:
            async with self._pool.acquire() as other:
                await other.executemany(statement, rows)
        else:
            await super()._execute_all(statement, rows)


OUTBOX_ELSEWHERE = planted_strategy("outbox-elsewhere", OutboxElsewhere, connections=2)
