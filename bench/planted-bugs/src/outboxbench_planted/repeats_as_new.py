"""A blind retry within the strategy: what is in doubt is done again under another `op_id`."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING
from uuid import UUID, uuid4

from outboxbench.core.strategies.asyncpg.persistence import AsyncpgPersistence, open_pool
from outboxbench.core.strategies.asyncpg.unit_of_work import AsyncpgUnitOfWork
from outboxbench.core.strategies.registry import Strategy

if TYPE_CHECKING:
    import asyncpg

    from outboxbench.core.application.outcome import Attempt
    from outboxbench.core.strategies.settings import StrategySettings


class RepeatsAsNew(AsyncpgUnitOfWork):
    """Draws a new `op_id` for an operation whose commit it has seen fail."""

    def __init__(self, in_doubt: set[UUID], pool: asyncpg.Pool, attempt: Attempt) -> None:
        super().__init__(pool, attempt)
        self._in_doubt = in_doubt

    async def _begin(self) -> None:
        if self.attempt.op_id in self._in_doubt:
            self.attempt.op_id = uuid4()
        await super()._begin()

    async def _commit(self) -> None:
        try:
            await super()._commit()
        except Exception:
            self._in_doubt.add(self.attempt.op_id)
            raise


class NeverLooksUp(AsyncpgPersistence):
    """Believes that what nobody was told of has not happened."""

    async def was_committed(self, op_id: UUID) -> bool:
        """Say no, whatever the database holds."""
        return False


async def _open(settings: StrategySettings) -> NeverLooksUp:
    return NeverLooksUp(await open_pool(settings), partial(RepeatsAsNew, set()), settings)


REPEATS_AS_NEW = Strategy("repeats-as-new", "asyncpg", "asyncpg", "statements", _open)
