"""A COMMIT that was answered with ROLLBACK, taken for a success."""

from __future__ import annotations

import asyncpg

from outboxbench.core.strategies.asyncpg.unit_of_work import AsyncpgUnitOfWork
from outboxbench_planted.opening import planted_strategy


class TagIgnored(AsyncpgUnitOfWork):
    """Goes on after a statement that failed: PostgreSQL then answers COMMIT with ROLLBACK.

    Which is no error, and asyncpg does not show the tag.
    """

    async def _execute(self, statement: str, *parameters: object) -> int:
        try:
            return await super()._execute(statement, *parameters)
        except asyncpg.PostgresError:
            return 1


TAG_IGNORED = planted_strategy("tag-ignored", TagIgnored)
