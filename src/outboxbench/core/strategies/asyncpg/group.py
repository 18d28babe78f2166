"""The write plan `group` over asyncpg."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from asyncpg import DataError

from outboxbench.core.strategies.asyncpg.driver import AsyncpgDriver
from outboxbench.core.strategies.asyncpg.executor import AsyncpgExecutor
from outboxbench.core.strategies.asyncpg.persistence import close_pool, open_pool
from outboxbench.core.strategies.asyncpg_connection import announce, listen
from outboxbench.core.strategies.asyncpg_watched import awaited_of
from outboxbench.core.strategies.group.committer import GroupCommitter, group_settings
from outboxbench.core.strategies.group.session import GroupSession
from outboxbench.core.strategies.group.unit_of_work import GroupPersistence

if TYPE_CHECKING:
    import asyncpg

    from outboxbench.core.application.outcome import PersistenceError
    from outboxbench.core.strategies.settings import StrategySettings


class AsyncpgGroupSession(AsyncpgDriver, GroupSession):
    """Each statement in an implicit transaction of its own."""

    __slots__ = ("_connection", "_pool", "awaited")

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    async def _acquire(self) -> None:
        connection = self._connection = await self._pool.acquire()
        self.awaited = awaited_of(connection)

    def never_sent(self, error: PersistenceError) -> bool:
        """Tell whether asyncpg could not encode the parameters."""
        return isinstance(error.__cause__, DataError) and not error.answered


async def open_group(settings: StrategySettings) -> GroupPersistence:
    """Connect as often as the plan has a use for, at most `settings.pool_size` times."""
    few = group_settings(settings)
    pool = await open_pool(few)
    committer = GroupCommitter(partial(AsyncpgGroupSession, pool), few.pool_size)
    return group_persistence(committer, pool, few)


def group_persistence(
    committer: GroupCommitter, pool: asyncpg.Pool, settings: StrategySettings
) -> GroupPersistence:
    """Return what the committer and the pool behind it make together."""
    return GroupPersistence(
        committer,
        executor=AsyncpgExecutor(pool),
        listen=partial(listen, settings),
        announce=partial(announce, settings),
        close_pool=partial(close_pool, pool, settings),
    )
