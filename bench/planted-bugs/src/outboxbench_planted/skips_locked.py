"""SKIP LOCKED on the messages alone, not on their aggregates."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from outboxbench.core.application.outbox import Settled
from outboxbench.core.strategies.asyncpg_report import DISCONNECTIONS, report_of
from outboxbench.core.strategies.relay_plans.statements import MESSAGE_COLUMNS, UNDELIVERED
from outboxbench.core.strategies.server_report import translate
from outboxbench_planted.claimed_rows import unleased_runs
from outboxbench_planted.opening import PooledLeaseOutbox, planted_strategy

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    import asyncpg
    from asyncpg.pool import PoolConnectionProxy

    from outboxbench.core.application.outbox import RelayPlan, Run, Settlement

_OLDEST_UNLOCKED = f"""
    SELECT {MESSAGE_COLUMNS} FROM outbox WHERE {UNDELIVERED}
    ORDER BY version, ordinal LIMIT 1 FOR UPDATE SKIP LOCKED"""

_DELIVERED = "UPDATE outbox SET delivered_at = now() WHERE op_id = $1 AND ordinal = $2"


class SkipsLocked(PooledLeaseOutbox):
    """Takes the oldest message that nobody has locked, whatever is under way of its aggregate.

    The lock lasts until the message is delivered, and so does the transaction: a message at a time.
    """

    def __init__(self, pool: asyncpg.Pool, plan: RelayPlan, lease_s: float) -> None:
        super().__init__(pool, plan, lease_s)
        self._holder: PoolConnectionProxy | None = None

    async def claim(self, limit: int) -> Sequence[Run]:
        """Lock a message and keep the transaction open, unless one is."""
        if self._holder is not None:
            return []
        async with self._translated():
            connection = self._holder = await self._pool.acquire()
            await connection.execute("BEGIN")
            row = await connection.fetchrow(_OLDEST_UNLOCKED)
            if row is None:
                await self._end("ROLLBACK")
                return []
        return unleased_runs([tuple(row)])

    async def settle(self, settlements: Sequence[Settlement]) -> Settled:
        """Mark the message, and commit."""
        connection = self._holder
        if connection is None:
            return Settled([each.run for each in settlements], has_more=True)
        async with self._translated():
            for settlement in settlements:
                for message in settlement.run.messages[: settlement.delivered]:
                    await connection.execute(_DELIVERED, message.op_id, message.ordinal)
            await self._end("COMMIT")
        return Settled([], has_more=True)

    async def _end(self, statement: str) -> None:
        assert self._holder is not None
        await self._holder.execute(statement)
        connection, self._holder = self._holder, None
        await self._pool.release(connection)

    @asynccontextmanager
    async def _translated(self) -> AsyncIterator[None]:
        """Drop the lock with its connection where the server is lost, as it has by then."""
        try:
            yield
        except Exception as error:
            connection, self._holder = self._holder, None
            if connection is not None:
                connection.terminate()
                await self._pool.release(connection)
            raise translate(error, report_of, disconnections=DISCONNECTIONS) from error


SKIPS_LOCKED = planted_strategy("skips-locked", new_outbox=SkipsLocked)
