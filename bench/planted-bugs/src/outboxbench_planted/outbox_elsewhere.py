"""The outbox written over another connection than the state."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from outboxbench.core.strategies import statements as sql
from outboxbench.core.strategies.asyncpg.unit_of_work import AsyncpgUnitOfWork
from outboxbench.core.strategies.rows import message_rows
from outboxbench_planted.opening import planted_strategy

if TYPE_CHECKING:
    from outboxbench.core.application.unit_of_work import Change


class OutboxElsewhere(AsyncpgUnitOfWork):
    """Stores the messages through another connection, and then the state."""

    async def _write(self, change: Change) -> None:
        async with self._pool.acquire() as other:
            await other.executemany(sql.INSERT_MESSAGE, message_rows(change))
        await super()._write(replace(change, messages=[]))


OUTBOX_ELSEWHERE = planted_strategy("outbox-elsewhere", OutboxElsewhere, connections=2)
