"""A lease without a fencing token."""

from __future__ import annotations

from typing import TYPE_CHECKING

from outboxbench.core.strategies.relay_plans import statements as sql
from outboxbench_planted.opening import PooledLeaseOutbox, planted_strategy

if TYPE_CHECKING:
    import asyncpg

    from outboxbench.core.application.outbox import RelayPlan

# As HELD_BY_LEASE is, without a look at who has the lease by now.
_HELD_BY_ANYBODY = sql.Held(
    """, held AS MATERIALIZED (
        SELECT * FROM settled
    ), released AS (
        DELETE FROM relay_leases AS lease USING held
        WHERE lease.aggregate_type = held.aggregate_type
          AND lease.aggregate_id = held.aggregate_id
    )"""
)


class Unfenced(PooledLeaseOutbox):
    """Accepts a settlement from whoever sends it, and gives the lease back that is held by then."""

    def __init__(self, pool: asyncpg.Pool, plan: RelayPlan, lease_s: float) -> None:
        super().__init__(pool, plan, lease_s)
        self._settle = sql.settle_statement(_HELD_BY_ANYBODY, sql.MARK)
        self._settle_refused = sql.settle_statement(_HELD_BY_ANYBODY, sql.MARK, sql.REFUSE)


UNFENCED = planted_strategy("unfenced", new_outbox=Unfenced)
