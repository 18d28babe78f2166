"""The plans `lease` and `delete`: aggregates are leased one by one to whoever claims them."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from outboxbench.core.application.outbox import Lease
from outboxbench.core.strategies.relay_plans import lease_statements as lease_sql
from outboxbench.core.strategies.relay_plans import statements as sql
from outboxbench.core.strategies.relay_plans.claim_width import ClaimWidth
from outboxbench.core.strategies.relay_plans.sql_outbox import TIDIED, SqlOutbox, runs_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from outboxbench.core.application.outbox import Run
    from outboxbench.core.strategies.relay_plans.executor import SqlExecutor

_START = ("", UUID(int=0))


class LeaseOutbox(SqlOutbox):
    """Leases aggregates in turn, so that a busy one does not starve the others."""

    def __init__(self, executor: SqlExecutor, lease_s: float, *, removes: bool) -> None:
        super().__init__(
            executor,
            held=lease_sql.HELD_BY_LEASE,
            delivered=sql.REMOVE if removes else sql.MARK,
            tidied=(*TIDIED, sql.TIDY_OPERATIONS) if removes else TIDIED,
        )
        self._lease_s = lease_s
        self._after = _START
        self._width = ClaimWidth()

    async def claim(self, limit: int) -> Sequence[Run]:
        """Lease aggregates that are free, beginning after those of the last claim."""
        began_after = self._after
        runs = await self._claim_after(began_after, limit)
        if not runs and began_after != _START:
            # Once around: the beginning has not been looked at since.
            runs = await self._claim_after(_START, limit)
        self._after = (runs[-1].aggregate_type, runs[-1].aggregate_id) if runs else _START
        self._width.note(runs, limit)
        return runs

    async def renew(self, tokens: Sequence[int]) -> Sequence[int]:
        """Extend leases that are still ours, and return their tokens."""
        if not tokens:
            return []
        rows = await self._executor.fetch(lease_sql.RENEW_LEASES, list(tokens), self._lease_s)
        return [row[0] for row in rows]

    async def close(self) -> None:
        """Nothing is held beyond a claim."""

    async def _claim_after(self, after: tuple[str, UUID], limit: int) -> list[Run]:
        aggregates = self._width.aggregates(limit)
        rows = list(
            await self._executor.fetch(
                lease_sql.CLAIM_LEASES, *after, aggregates, limit, self._lease_s
            )
        )
        if not rows:
            return []
        return runs_of(Lease(rows[0][0]), ((row[1], tuple(row)[2:]) for row in rows))
