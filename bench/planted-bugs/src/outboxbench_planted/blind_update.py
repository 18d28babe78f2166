"""No version check: the last writer wins."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from outboxbench.core.strategies import statements as sql
from outboxbench.core.strategies.asyncpg.unit_of_work import AsyncpgUnitOfWork
from outboxbench_planted.message_rows import with_version
from outboxbench_planted.opening import planted_strategy

if TYPE_CHECKING:
    from collections.abc import Sequence

    from outboxbench.core.domain.aggregate import Aggregate


class BlindUpdate(AsyncpgUnitOfWork):
    """Counts the version up in the database, whatever was read, and numbers its messages so.

    With the version that it had read its messages would collide with those of whoever was quicker.
    """

    _new_version: int | None = None

    async def _update(self, aggregate: Aggregate, statement: str, *written: object) -> None:
        blind = statement.replace("version = $3", "version = version + $3").replace(
            "version = $2", "$2::integer IS NOT NULL"
        )
        self._new_version = await self._connection.fetchval(
            f"{blind} RETURNING version", aggregate.id, aggregate.version, 1, *written[1:]
        )

    async def _execute_all(self, statement: str, rows: Sequence[tuple[Any, ...]]) -> None:
        if statement == sql.INSERT_MESSAGE and self._new_version is not None:
            rows = [with_version(row, self._new_version) for row in rows]
        await super()._execute_all(statement, rows)


BLIND_UPDATE = planted_strategy("blind-update", BlindUpdate)
