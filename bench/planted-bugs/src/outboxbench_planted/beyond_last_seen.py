"""Polling for what has a higher number than the last one seen."""

from __future__ import annotations

from typing import TYPE_CHECKING

from outboxbench.core.application.outbox import Settled
from outboxbench.core.strategies.relay_plans.statements import MESSAGE_COLUMNS, UNDELIVERED
from outboxbench_planted.claimed_rows import unleased_runs
from outboxbench_planted.opening import PooledLeaseOutbox, planted_strategy

if TYPE_CHECKING:
    from collections.abc import Sequence

    import asyncpg

    from outboxbench.core.application.outbox import RelayPlan, Run, Settlement

NUMBERED = "ALTER TABLE outbox ADD COLUMN IF NOT EXISTS position bigserial"

_CLAIM = f"""
    SELECT position, {MESSAGE_COLUMNS} FROM outbox
    WHERE position > CAST($1 AS bigint) AND {UNDELIVERED}
    ORDER BY position LIMIT CAST($2 AS integer)"""

_SETTLE = f"""
    UPDATE outbox SET delivered_at = now()
    WHERE position <= CAST($1 AS bigint) AND {UNDELIVERED}"""


class BeyondLastSeen(PooledLeaseOutbox):
    """Reads on from `position`, as if numbers were committed in the order they are drawn in.

    One batch at a time, so that nothing but that is wrong with it.
    """

    def __init__(self, pool: asyncpg.Pool, plan: RelayPlan, lease_s: float) -> None:
        super().__init__(pool, plan, lease_s)
        self._last_seen = 0
        self._open_runs = 0

    async def claim(self, limit: int) -> Sequence[Run]:
        """Read what comes after the last one seen, unless some of that is still on its way."""
        if self._open_runs:
            return []
        rows = [tuple(row) for row in await self._executor.fetch(_CLAIM, self._last_seen, limit)]
        if rows:
            self._last_seen = rows[-1][0]
        runs = unleased_runs(row[1:] for row in rows)
        self._open_runs = len(runs)
        return runs

    async def settle(self, settlements: Sequence[Settlement]) -> Settled:
        """Note everything as delivered up to the last one seen, once the whole batch is."""
        left = self._open_runs - len(settlements)
        if not left:
            await self._executor.fetch(_SETTLE, self._last_seen)
        self._open_runs = left
        return Settled([], has_more=True)


BEYOND_LAST_SEEN = planted_strategy("beyond-last-seen", new_outbox=BeyondLastSeen, tables=NUMBERED)
