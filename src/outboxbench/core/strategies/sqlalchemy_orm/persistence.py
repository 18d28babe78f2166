"""An engine of SQLAlchemy, used through sessions of its ORM."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy.ext.asyncio import async_sessionmaker

from outboxbench.core.strategies.sqlalchemy_engine import Driver, open_engine, translator
from outboxbench.core.strategies.sqlalchemy_orm.unit_of_work import OrmUnitOfWork

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncEngine

    from outboxbench.core.application.outcome import Attempt
    from outboxbench.core.strategies.settings import StrategySettings


class OrmPersistence:
    """Units of work on one engine, each with a session of its own."""

    def __init__(self, engine: AsyncEngine, driver: Driver) -> None:
        self._engine = engine
        # Not expiring on commit is what SQLAlchemy's documentation asks of asynchronous users.
        self._new_session = async_sessionmaker(engine, expire_on_commit=False)
        self._translate = translator(driver)

    def unit_of_work(self, attempt: Attempt) -> OrmUnitOfWork:
        """Return a unit of work that reports its progress to `attempt`."""
        return OrmUnitOfWork(self._new_session, attempt, self._translate)

    async def close(self) -> None:
        """Close every connection."""
        await self._engine.dispose()


async def open_persistence(driver: Driver, settings: StrategySettings) -> OrmPersistence:
    """Connect `settings.pool_size` times."""
    return OrmPersistence(await open_engine(driver, settings), driver)
