"""Messages that bear another version than their change."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from outboxbench.core.strategies import statements as sql
from outboxbench.core.strategies.asyncpg.unit_of_work import AsyncpgUnitOfWork
from outboxbench_planted.message_rows import VERSION_COLUMN, with_version
from outboxbench_planted.opening import planted_strategy

if TYPE_CHECKING:
    from collections.abc import Sequence


class NumberedAhead(AsyncpgUnitOfWork):
    """Counts one too far. One too few the schema would refuse: those messages are there."""

    async def _execute_all(self, statement: str, rows: Sequence[tuple[Any, ...]]) -> None:
        if statement == sql.INSERT_MESSAGE:
            rows = [with_version(row, row[VERSION_COLUMN] + 1) for row in rows]
        await super()._execute_all(statement, rows)


NUMBERED_AHEAD = planted_strategy("numbered-ahead", NumberedAhead)
