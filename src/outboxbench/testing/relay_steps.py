"""The steps that the tests of the contract with relays are made of."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING
from uuid import UUID, uuid4

from outboxbench.core.domain.payments import OpenAccount
from outboxbench.testing.steps import PATIENCE_S, handle

if TYPE_CHECKING:
    from collections.abc import Sequence

    from outboxbench.core.application.outbox import OutboxMessage, RelayPlan, Run
    from outboxbench.core.application.ports import Outbox, Persistence
    from outboxbench.testing.arena import Arena

LEASE_S = 30.0
SHORT_LEASE_S = 0.2
RENEWED_LEASE_S = 1.0
MANY = 100


async def opened(arena: Arena, plan: RelayPlan) -> Persistence:
    """Open the strategy over tables that relays of this plan can work with."""
    await arena.prepare_relay(plan)
    return await arena.open()


async def new_account_id(persistence: Persistence) -> UUID:
    """Open an account, which leaves one message for a relay."""
    account_id = uuid4()
    await handle(persistence, OpenAccount(account_id=account_id))
    return account_id


async def claim_at_last(outbox: Outbox) -> Sequence[Run]:
    """Claim as soon as there is something."""
    async with asyncio.timeout(PATIENCE_S):
        while not (runs := await outbox.claim(MANY)):
            await asyncio.sleep(0.01)
            await outbox.renew([])
    return runs


def named(message: OutboxMessage) -> tuple[UUID, int, str, int]:
    """Return what a message is told from others by."""
    return (message.op_id, message.ordinal, message.topic, message.audience)
