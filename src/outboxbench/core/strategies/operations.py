"""Looks an operation up by its `op_id`, wherever that is kept."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from uuid import UUID

    from outboxbench.core.strategies.relay_plans.executor import SqlExecutor

# In the outbox as long as its messages are; beyond that, where they are deleted, by itself.
_LOOK_UP: Final = """
    SELECT 1 FROM outbox WHERE op_id = CAST($1 AS uuid)
    UNION ALL SELECT 1 FROM operations WHERE op_id = CAST($1 AS uuid) LIMIT 1"""


async def was_committed(executor: SqlExecutor, op_id: UUID) -> bool:
    """Tell whether an operation is in the database, as far as a new transaction sees.

    Raises:
        PersistenceError: nobody can tell now.
    """
    return any(True for _ in await executor.fetch(_LOOK_UP, op_id))
