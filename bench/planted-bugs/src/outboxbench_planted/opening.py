"""Opens a strategy that is asyncpg's but for the one thing that a bug replaces."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, TypeAlias

from outboxbench.core.strategies.asyncpg.executor import AsyncpgExecutor
from outboxbench.core.strategies.asyncpg.persistence import AsyncpgPersistence, open_pool
from outboxbench.core.strategies.asyncpg.unit_of_work import AsyncpgUnitOfWork
from outboxbench.core.strategies.registry import Strategy
from outboxbench.core.strategies.relay_plans.lease import LeaseOutbox
from outboxbench.core.strategies.relay_plans.opening import open_outbox

if TYPE_CHECKING:
    from collections.abc import Callable

    import asyncpg

    from outboxbench.core.application.outbox import RelayPlan
    from outboxbench.core.application.ports import Outbox
    from outboxbench.core.strategies.asyncpg.persistence import NewUnit
    from outboxbench.core.strategies.settings import StrategySettings

NewOutbox: TypeAlias = "Callable[[asyncpg.Pool, RelayPlan, float], Outbox]"

# Clients and relays open at the same time, and two that make the same table would collide.
_ONE_AT_A_TIME = "SELECT pg_advisory_xact_lock(hashtext('outboxbench planted'));"


class PooledLeaseOutbox(LeaseOutbox):
    """The right outbox on a pool of asyncpg connections, which a bug breaks in one place."""

    def __init__(
        self, pool: asyncpg.Pool, plan: RelayPlan, lease_s: float, *, removes: bool = False
    ) -> None:
        del plan
        super().__init__(AsyncpgExecutor(pool), lease_s, removes=removes)
        self._pool = pool


class PlantedPersistence(AsyncpgPersistence):
    """Units of work and an outbox on one asyncpg pool, each of which may be another one."""

    def __init__(
        self,
        pool: asyncpg.Pool,
        new_unit: NewUnit,
        settings: StrategySettings,
        new_outbox: NewOutbox,
    ) -> None:
        super().__init__(pool, new_unit, settings)
        self._new_outbox = new_outbox

    def outbox(self, plan: RelayPlan, lease_s: float) -> Outbox:
        """Return the outbox as one relay sees it."""
        return self._new_outbox(self._pool, plan, lease_s)


def planted_strategy(
    name: str,
    new_unit: NewUnit = AsyncpgUnitOfWork,
    *,
    new_outbox: NewOutbox | None = None,
    tables: str = "",
    connections: int = 1,
) -> Strategy:
    """Return a strategy whose units of work, or whose outbox, are those given.

    Args:
        name: what it is registered as.
        new_unit: makes its units of work.
        new_outbox: makes its outbox; the right one if absent.
        tables: statements that prepare a database for it, to be run by each process.
        connections: how many a unit of work takes at a time. Were there no more than one for each,
            those that wait for their second would wait for each other, which is another bug.
    """
    return Strategy(
        name=name,
        library="asyncpg",
        driver="asyncpg",
        write_plan="statements",
        open=partial(_open, new_unit, new_outbox or _right_outbox, tables, connections),
    )


def _right_outbox(pool: asyncpg.Pool, plan: RelayPlan, lease_s: float) -> Outbox:
    return open_outbox(AsyncpgExecutor(pool), plan, lease_s)


async def _open(
    new_unit: NewUnit,
    new_outbox: NewOutbox,
    tables: str,
    connections: int,
    settings: StrategySettings,
) -> PlantedPersistence:
    enough = replace(settings, pool_size=connections * settings.pool_size)
    pool = await open_pool(enough)
    if tables:
        await pool.execute(f"{_ONE_AT_A_TIME} {tables}")
    return PlantedPersistence(pool, new_unit, enough, new_outbox)
