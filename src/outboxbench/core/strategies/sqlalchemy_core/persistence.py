"""An engine of SQLAlchemy, used through its Core."""

from __future__ import annotations

from typing import TYPE_CHECKING

from outboxbench.core.strategies.operations import was_committed
from outboxbench.core.strategies.relay_plans.opening import open_outbox
from outboxbench.core.strategies.sqlalchemy_engine import (
    Driver,
    announce,
    listen,
    open_engine,
    translator,
)
from outboxbench.core.strategies.sqlalchemy_relay import SqlAlchemyExecutor

if TYPE_CHECKING:
    from collections.abc import Callable
    from uuid import UUID

    from sqlalchemy.ext.asyncio import AsyncEngine

    from outboxbench.core.application.doorbell import Doorbell
    from outboxbench.core.application.outbox import RelayPlan
    from outboxbench.core.application.outcome import Attempt
    from outboxbench.core.application.ports import Outbox
    from outboxbench.core.strategies.settings import StrategySettings
    from outboxbench.core.strategies.sqlalchemy_core.unit_of_work import CoreUnitOfWork


class CorePersistence:
    """Units of work on one engine."""

    def __init__(
        self,
        engine: AsyncEngine,
        driver: Driver,
        new_unit: type[CoreUnitOfWork],
        settings: StrategySettings,
    ) -> None:
        self._engine = engine
        self._driver = driver
        self._settings = settings
        self._new_unit = new_unit
        self._translate = translator(driver)

    def unit_of_work(self, attempt: Attempt) -> CoreUnitOfWork:
        """Return a unit of work that reports its progress to `attempt`."""
        return self._new_unit(self._engine, attempt, self._translate)

    def outbox(self, plan: RelayPlan, lease_s: float) -> Outbox:
        """Return the outbox as one relay sees it."""
        return open_outbox(SqlAlchemyExecutor(self._engine, self._translate), plan, lease_s)

    async def listen(self, ring: Callable[[], None]) -> None:
        """Call `ring` whenever a commit is announced, on a connection beside the pool."""
        await listen(self._driver, self._settings, ring)

    async def announce(self, bell: Doorbell) -> None:
        """Notify whoever listens each time the bell is rung, over a connection beside the pool."""
        await announce(self._driver, self._settings, bell)

    async def was_committed(self, op_id: UUID) -> bool:
        """Tell whether an operation is in the database."""
        return await was_committed(SqlAlchemyExecutor(self._engine, self._translate), op_id)

    async def close(self) -> None:
        """Close every connection."""
        await self._engine.dispose()


async def open_persistence(
    new_unit: type[CoreUnitOfWork],
    driver: Driver,
    settings: StrategySettings,
    *,
    autocommit: bool = False,
) -> CorePersistence:
    """Connect `settings.pool_size` times; `new_unit` is the write plan.

    With `autocommit` the dialect sends no BEGIN of its own.
    """
    engine = await open_engine(driver, settings)
    if autocommit:
        engine = engine.execution_options(isolation_level="AUTOCOMMIT")
    return CorePersistence(engine, driver, new_unit, settings)
