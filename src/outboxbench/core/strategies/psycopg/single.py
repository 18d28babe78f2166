"""The write plan `single` over psycopg."""

from __future__ import annotations

from typing import TYPE_CHECKING

from outboxbench.core.application.outcome import Stage
from outboxbench.core.strategies.psycopg.driver import PsycopgDriver
from outboxbench.core.strategies.single_unit_of_work import SingleUnitOfWork

if TYPE_CHECKING:
    from outboxbench.core.application.outcome import Attempt
    from outboxbench.core.strategies.psycopg.pool import Pool


class PsycopgSingleUnitOfWork(PsycopgDriver, SingleUnitOfWork):
    """Each statement in an implicit transaction of its own, on a connection in autocommit mode."""

    __slots__ = ("_connection", "_pool")

    def __init__(self, pool: Pool, attempt: Attempt) -> None:
        super().__init__(attempt)
        self._pool = pool

    async def _begin(self) -> None:
        connection = self._connection = await self._pool.getconn()
        self.awaited = connection.awaited
        self.attempt.stage = Stage.BEGIN
