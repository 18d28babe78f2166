"""The write plan `group` over psycopg."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from psycopg import DataError

from outboxbench.core.strategies.group.committer import GroupCommitter, group_settings
from outboxbench.core.strategies.group.session import GroupSession
from outboxbench.core.strategies.group.unit_of_work import GroupPersistence
from outboxbench.core.strategies.psycopg.driver import PsycopgDriver
from outboxbench.core.strategies.psycopg.executor import PsycopgExecutor
from outboxbench.core.strategies.psycopg.pool import open_pool
from outboxbench.core.strategies.psycopg_connection import announce, listen

if TYPE_CHECKING:
    from outboxbench.core.application.outcome import PersistenceError
    from outboxbench.core.strategies.psycopg.pool import Pool
    from outboxbench.core.strategies.settings import StrategySettings


class PsycopgGroupSession(PsycopgDriver, GroupSession):
    """Each statement in an implicit transaction of its own, on a connection in autocommit mode."""

    __slots__ = ("_connection", "_pool", "awaited")

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def _acquire(self) -> None:
        connection = self._connection = await self._pool.getconn()
        self.awaited = connection.awaited

    def never_sent(self, error: PersistenceError) -> bool:
        """Tell whether psycopg could not encode the parameters."""
        return isinstance(error.__cause__, (DataError, UnicodeError)) and error.sqlstate is None


async def open_group(settings: StrategySettings) -> GroupPersistence:
    """Connect as often as the plan has a use for, at most `settings.pool_size` times."""
    few = group_settings(settings)
    pool = await open_pool(few, autocommit=True)
    return GroupPersistence(
        GroupCommitter(partial(PsycopgGroupSession, pool), few.pool_size),
        executor=PsycopgExecutor(pool),
        listen=partial(listen, few),
        announce=partial(announce, few),
        close_pool=pool.close,
    )
