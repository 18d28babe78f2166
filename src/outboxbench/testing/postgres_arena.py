"""The arena on a real server: a strategy over tables of its own, and outsiders beside it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Self, TypeVar

from outboxbench.core.application.outcome import Stage
from outboxbench.core.strategies.relay_plans.schema import relay_schema_sql
from outboxbench.core.strategies.rows import schema_sql
from outboxbench.core.strategies.settings import StrategySettings
from outboxbench.testing.observed_database import ObservedDatabase
from outboxbench.testing.steps import PATIENCE_S

if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager

    from outboxbench.core.application.outbox import RelayPlan
    from outboxbench.core.application.ports import Persistence
    from outboxbench.core.strategies.registry import Strategy
    from outboxbench.core.strategies.settings import DatabaseAddress, Isolation, Profile

T = TypeVar("T")


class PostgresArena(ObservedDatabase):
    """One strategy and one profile over a database whose tables are made anew.

    `patience_s` is how long anything may take before the test that waits for it fails.
    The role of `address` must be a superuser, as the conditions of some tests are.
    """

    def __init__(
        self,
        strategy: Strategy,
        profile: Profile,
        address: DatabaseAddress,
        patience_s: float = PATIENCE_S,
    ) -> None:
        super().__init__(address, patience_s)
        self._strategy = strategy
        self._profile = profile

    @property
    def write_stage(self) -> Stage:
        """The stage in which this strategy's writes travel."""
        return Stage.WORK if self._strategy.write_plan == "statements" else Stage.COMMIT_SENT

    @property
    def shares_connections(self) -> bool:
        """Whether several units of work may travel on one connection at the same time."""
        return self._strategy.write_plan == "group"

    async def __aenter__(self) -> Self:
        await super().__aenter__()
        try:
            # A session outlives its client's goodbye by a moment: the one of the test before would
            # be counted among this test's.
            await self.gone(*await self.backends())
            await self.execute(f"DROP SCHEMA public CASCADE; CREATE SCHEMA public; {schema_sql()}")
            await self.execute(f"ALTER DATABASE {self._quoted_name} RESET ALL")
        except BaseException:
            await self._exits.aclose()
            raise
        return self

    async def open(
        self,
        *,
        pool_size: int = 3,
        isolation: Isolation = "read committed",
        statement_timeout_s: float = 10.0,
        address: DatabaseAddress | None = None,
    ) -> Persistence:
        """Open the strategy; it is closed at the end of the test."""
        persistence = await self._strategy.open(
            StrategySettings(
                address=address or self.address,
                profile=self._profile,
                pool_size=pool_size,
                isolation=isolation,
                statement_timeout_s=statement_timeout_s,
                connect_timeout_s=self.patience_s,
                server_major=self.server_major,
            )
        )

        async def close() -> None:
            async with asyncio.timeout(self.patience_s):
                await persistence.close()

        self._exits.push_async_callback(close)
        return persistence

    async def enter(self, manager: AbstractAsyncContextManager[T]) -> T:
        """Enter a context that is left at the end of the test, after the strategy was closed."""
        return await self._exits.enter_async_context(manager)

    async def set_for_new_sessions(self, name: str, value: str) -> None:
        """Set a server parameter for the sessions of this test that are still to come."""
        await self.execute(f"ALTER DATABASE {self._quoted_name} SET {name} = '{value}'")

    async def prepare_relay(self, plan: RelayPlan) -> None:
        """Make what relays of this plan need, with commits announced to whoever listens."""
        await self.execute(relay_schema_sql(plan, announces=True))

    @property
    def _quoted_name(self) -> str:
        return '"{}"'.format(self.address.database.replace('"', '""'))
