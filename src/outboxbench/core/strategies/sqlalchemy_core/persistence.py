"""An engine of SQLAlchemy, used through its Core."""

from __future__ import annotations

from typing import TYPE_CHECKING

from outboxbench.core.strategies.sqlalchemy_core.unit_of_work import CoreUnitOfWork
from outboxbench.core.strategies.sqlalchemy_engine import Driver, open_engine, translator

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncEngine

    from outboxbench.core.application.outcome import Attempt
    from outboxbench.core.strategies.settings import StrategySettings


class CorePersistence:
    """Units of work on one engine."""

    def __init__(self, engine: AsyncEngine, driver: Driver) -> None:
        self._engine = engine
        self._translate = translator(driver)

    def unit_of_work(self, attempt: Attempt) -> CoreUnitOfWork:
        """Return a unit of work that reports its progress to `attempt`."""
        return CoreUnitOfWork(self._engine, attempt, self._translate)

    async def close(self) -> None:
        """Close every connection."""
        await self._engine.dispose()


async def open_persistence(driver: Driver, settings: StrategySettings) -> CorePersistence:
    """Connect `settings.pool_size` times."""
    return CorePersistence(await open_engine(driver, settings), driver)
