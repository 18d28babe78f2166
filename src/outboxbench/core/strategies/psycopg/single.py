"""The write plan `single` over psycopg."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from outboxbench.core.application.outcome import Stage
from outboxbench.core.strategies.psycopg.driver import PsycopgDriver
from outboxbench.core.strategies.single_unit_of_work import SingleUnitOfWork

if TYPE_CHECKING:
    from psycopg_pool import AsyncConnectionPool

    from outboxbench.core.application.outcome import Attempt


class PsycopgSingleUnitOfWork(PsycopgDriver, SingleUnitOfWork):
    """Each statement in an implicit transaction of its own, on a connection in autocommit mode."""

    __slots__ = ("_binary", "_connection", "_pool")

    def __init__(
        self,
        pool: AsyncConnectionPool[Any],
        attempt: Attempt,
        binary: bool,
    ) -> None:
        super().__init__(attempt)
        self._pool = pool
        self._binary = binary

    async def _begin(self) -> None:
        self._connection = await self._pool.getconn()
        self.attempt.stage = Stage.BEGIN
