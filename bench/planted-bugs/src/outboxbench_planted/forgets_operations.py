"""The key that refuses a repetition, removed with the message that was delivered."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from outboxbench.core.strategies.relay_plans import statements as sql
from outboxbench_planted.opening import PooledLeaseOutbox, planted_strategy

if TYPE_CHECKING:
    from collections.abc import Sequence

    from outboxbench.core.application.outbox import Settled, Settlement

_AT_ONCE_S = 0.0
_ALL = 1_000_000


class ForgetsOperations(PooledLeaseOutbox):
    """Keeps an `op_id` no longer than its message, under a plan that deletes messages."""

    async def settle(self, settlements: Sequence[Settlement]) -> Settled:
        """Settle, and tidy away what tells that these operations have been."""
        settled = await super().settle(settlements)
        await self._executor.fetch(sql.TIDY_OPERATIONS, _AT_ONCE_S, _ALL)
        return settled


FORGETS_OPERATIONS = planted_strategy(
    "forgets-operations", new_outbox=partial(ForgetsOperations, removes=True)
)
