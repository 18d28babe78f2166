"""State and messages in two transactions, the state first."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from outboxbench.core.strategies import statements as sql
from outboxbench.core.strategies.asyncpg.unit_of_work import AsyncpgUnitOfWork
from outboxbench_planted.opening import planted_strategy

if TYPE_CHECKING:
    from collections.abc import Sequence


class DualWrite(AsyncpgUnitOfWork):
    """Commits the state, and stores the messages in a transaction of their own."""

    _messages: Sequence[tuple[Any, ...]] = ()

    async def _execute_all(self, statement: str, rows: Sequence[tuple[Any, ...]]) -> None:
        if statement == sql.INSERT_MESSAGE:
            self._messages = rows
        else:
            await super()._execute_all(statement, rows)

    async def _commit(self) -> None:
        await super()._commit()
        await super()._execute_all(sql.INSERT_MESSAGE, self._messages)


DUAL_WRITE = planted_strategy("dual-write", DualWrite)
