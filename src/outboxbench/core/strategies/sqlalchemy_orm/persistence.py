"""An engine of SQLAlchemy, used through sessions of its ORM."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy.ext.asyncio import async_sessionmaker

from outboxbench.core.strategies.operations import was_committed
from outboxbench.core.strategies.relay_plans.opening import open_outbox
from outboxbench.core.strategies.sqlalchemy_engine import (
    Driver,
    announce,
    listen,
    open_engine,
    translator,
)
from outboxbench.core.strategies.sqlalchemy_orm.unit_of_work import OrmUnitOfWork
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


class OrmPersistence:
    """Units of work on one engine, each with a session of its own."""

    def __init__(self, engine: AsyncEngine, driver: Driver, settings: StrategySettings) -> None:
        self._engine = engine
        self._driver = driver
        self._settings = settings
        # Not expiring on commit is what SQLAlchemy's documentation asks of asynchronous users.
        self._new_session = async_sessionmaker(engine, expire_on_commit=False)
        self._translate = translator(driver)

    def unit_of_work(self, attempt: Attempt) -> OrmUnitOfWork:
        """Return a unit of work that reports its progress to `attempt`."""
        return OrmUnitOfWork(self._new_session, attempt, self._translate)

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


async def open_persistence(driver: Driver, settings: StrategySettings) -> OrmPersistence:
    """Connect `settings.pool_size` times."""
    return OrmPersistence(await open_engine(driver, settings), driver, settings)
