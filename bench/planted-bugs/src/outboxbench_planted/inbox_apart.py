"""The inbox entry of a handler in another transaction than its effect."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from outboxbench.core.strategies import statements as sql
from outboxbench.core.strategies.asyncpg.unit_of_work import AsyncpgUnitOfWork
from outboxbench.core.strategies.rows import inbox_row
from outboxbench_planted.opening import planted_strategy

if TYPE_CHECKING:
    from outboxbench.core.application.unit_of_work import Change


class InboxApart(AsyncpgUnitOfWork):
    """Notes that a message is handled, commits that, and then handles it."""

    async def _write(self, change: Change) -> None:
        if change.inbox is not None:
            async with self._pool.acquire() as other:
                await other.execute(sql.INSERT_INBOX_ENTRY, *inbox_row(change.inbox))
        await super()._write(replace(change, inbox=None))


INBOX_APART = planted_strategy("inbox-apart", InboxApart, connections=2)
