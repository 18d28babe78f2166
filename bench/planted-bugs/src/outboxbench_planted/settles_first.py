"""Acknowledged to the outbox before it is published."""

from __future__ import annotations

from typing import TYPE_CHECKING

from outboxbench.core.application.outbox import Settled, Settlement
from outboxbench_planted.opening import PooledLeaseOutbox, planted_strategy

if TYPE_CHECKING:
    from collections.abc import Sequence

    from outboxbench.core.application.outbox import Run


class SettlesFirst(PooledLeaseOutbox):
    """Notes as delivered whatever it claims; whether it then is, nobody asks."""

    async def claim(self, limit: int) -> Sequence[Run]:
        """Claim messages, and settle them at once."""
        runs = await super().claim(limit)
        if runs:
            await super().settle([Settlement(run, len(run.messages)) for run in runs])
        return runs

    async def settle(self, settlements: Sequence[Settlement]) -> Settled:
        """Do nothing: it is done already."""
        return Settled([], has_more=True)


SETTLES_FIRST = planted_strategy("settles-first", new_outbox=SettlesFirst)
