"""Units of work on a pool of psycopg connections.

Both profiles send the shared statements through psycopg's raw cursors, which take PostgreSQL's own
`$n`. `idiomatic` reads rows as psycopg does by default, as text; `matched` asks for the binary
format, which is all that asyncpg speaks.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from outboxbench.core.strategies.operations import was_committed
from outboxbench.core.strategies.psycopg.executor import PsycopgExecutor
from outboxbench.core.strategies.psycopg.pool import open_pool
from outboxbench.core.strategies.psycopg_connection import announce, listen
from outboxbench.core.strategies.relay_plans.opening import open_outbox

if TYPE_CHECKING:
    from collections.abc import Callable
    from uuid import UUID

    from outboxbench.core.application.doorbell import Doorbell
    from outboxbench.core.application.outbox import RelayPlan
    from outboxbench.core.application.outcome import Attempt
    from outboxbench.core.application.ports import Outbox, UnitOfWork
    from outboxbench.core.strategies.psycopg.pool import Pool
    from outboxbench.core.strategies.settings import StrategySettings


NewUnit: TypeAlias = "Callable[[Pool, Attempt], UnitOfWork]"


class PsycopgPersistence:
    """Units of work on one psycopg pool."""

    def __init__(self, pool: Pool, new_unit: NewUnit, settings: StrategySettings) -> None:
        self._pool = pool
        self._new_unit = new_unit
        self._settings = settings

    def unit_of_work(self, attempt: Attempt) -> UnitOfWork:
        """Return a unit of work that reports its progress to `attempt`."""
        return self._new_unit(self._pool, attempt)

    def outbox(self, plan: RelayPlan, lease_s: float) -> Outbox:
        """Return the outbox as one relay sees it."""
        return open_outbox(PsycopgExecutor(self._pool), plan, lease_s)

    async def listen(self, ring: Callable[[], None]) -> None:
        """Call `ring` whenever a commit is announced, on a connection beside the pool."""
        await listen(self._settings, ring)

    async def announce(self, bell: Doorbell) -> None:
        """Notify whoever listens each time the bell is rung, over a connection beside the pool."""
        await announce(self._settings, bell)

    async def was_committed(self, op_id: UUID) -> bool:
        """Tell whether an operation is in the database."""
        return await was_committed(PsycopgExecutor(self._pool), op_id)

    async def close(self) -> None:
        """Close every connection."""
        await self._pool.close()


async def open_persistence(
    new_unit: NewUnit, settings: StrategySettings, *, autocommit: bool = False
) -> PsycopgPersistence:
    """Connect `settings.pool_size` times; `new_unit` is the write plan.

    With `autocommit` psycopg sends no BEGIN of its own.
    """
    return PsycopgPersistence(await open_pool(settings, autocommit=autocommit), new_unit, settings)
