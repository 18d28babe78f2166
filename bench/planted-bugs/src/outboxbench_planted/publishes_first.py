"""Published within the transaction, which may still be rolled back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from outboxbench.core.application.outbox import Settled
from outboxbench.core.strategies import statements as sql
from outboxbench.core.strategies.asyncpg.unit_of_work import AsyncpgUnitOfWork
from outboxbench.core.strategies.relay_plans.statements import MESSAGE_COLUMNS
from outboxbench.core.strategies.rows import message_rows
from outboxbench_planted.claimed_rows import NO_TOKEN, unleased_runs
from outboxbench_planted.opening import PooledLeaseOutbox, planted_strategy

if TYPE_CHECKING:
    from collections.abc import Sequence

    from outboxbench.core.application.outbox import Run, Settlement
    from outboxbench.core.application.unit_of_work import Change

# Stands for the broker that the writer tells by itself: no transaction of the writer's covers it.
PUBLISHED = "CREATE TABLE IF NOT EXISTS published AS TABLE outbox WITH NO DATA"

_PUBLISH = sql.INSERT_MESSAGE.replace("INTO outbox", "INTO published")
_TAKE = f"DELETE FROM published RETURNING {MESSAGE_COLUMNS}"


class PublishesFirst(AsyncpgUnitOfWork):
    """Publishes its messages, and then stores the change that they tell of."""

    async def _write(self, change: Change) -> None:
        async with self._pool.acquire() as broker:
            await broker.executemany(_PUBLISH, message_rows(change))
        await super()._write(change)


class DeliversWhatIsPublished(PooledLeaseOutbox):
    """Delivers what was published at once, and from the outbox whatever else was committed."""

    async def claim(self, limit: int) -> Sequence[Run]:
        """Take what was published, or else claim."""
        published = unleased_runs(tuple(row) for row in await self._executor.fetch(_TAKE))
        return published or await super().claim(limit)

    async def settle(self, settlements: Sequence[Settlement]) -> Settled:
        """Settle what was claimed; of what was published nothing is left to settle."""
        claimed = [each for each in settlements if each.run.lease.token != NO_TOKEN]
        lost = (await super().settle(claimed)).lost if claimed else []
        return Settled(lost, has_more=True)


PUBLISHES_FIRST = planted_strategy(
    "publishes-first",
    PublishesFirst,
    new_outbox=DeliversWhatIsPublished,
    tables=PUBLISHED,
    connections=2,
)
