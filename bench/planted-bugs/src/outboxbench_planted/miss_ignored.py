"""A versioned write that hits nothing, taken for a success."""

from __future__ import annotations

from functools import partial

from outboxbench.core.strategies.asyncpg.persistence import open_persistence
from outboxbench.core.strategies.asyncpg.single import AsyncpgSingleUnitOfWork
from outboxbench.core.strategies.registry import Strategy


class MissIgnored(AsyncpgSingleUnitOfWork):
    """Does not look whether its statement stored anything: to PostgreSQL that is no error."""

    async def _execute(self, statement: str, *parameters: object) -> int:
        await super()._execute(statement, *parameters)
        return len(self._change.messages) if self._change else 0


MISS_IGNORED = Strategy(
    "miss-ignored", "asyncpg", "asyncpg", "single", partial(open_persistence, MissIgnored)
)
