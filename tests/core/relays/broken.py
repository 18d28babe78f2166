"""Relays that are wrong on purpose, each in one way."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID, uuid4

import asyncpg

from outboxbench.core.application.outbox import Lease, OutboxMessage, Run, Settled, Settlement
from outboxbench.core.application.outcome import Attempt
from outboxbench.core.domain.payments import ChargeAccount

if TYPE_CHECKING:
    from collections.abc import Sequence

    from asyncpg.transaction import Transaction

    from outboxbench.core.application.message_bus import MessageBus
    from outboxbench.core.application.ports import Outbox
    from outboxbench.core.domain.ordering import OrderPlaced
    from outboxbench.core.strategies.settings import DatabaseAddress

COLUMNS = "op_id, ordinal, aggregate_type, aggregate_id, version, topic, audience, state::text"


class Broken:
    """What the broken outboxes have in common: they can claim and settle, and nothing else."""

    async def renew(self, tokens: Sequence[int]) -> Sequence[int]:
        return tokens

    async def was_handled(self, entry: object) -> bool:
        raise NotImplementedError

    async def status(self) -> object:
        raise NotImplementedError

    async def redrive(self, aggregate_id: UUID | None = None) -> int:
        raise NotImplementedError

    async def tidy(self, keep_s: float, limit: int) -> int:
        raise NotImplementedError

    async def close(self) -> None: ...


class ReadsBeyondTheLastOneSeen(Broken):
    """Polls for `position > last seen`, as if numbers became visible in their order."""

    NUMBERED = "ALTER TABLE outbox ADD COLUMN position bigserial"

    def __init__(self, connection: asyncpg.Connection) -> None:
        self._connection = connection
        self._last_seen = 0

    async def claim(self, limit: int) -> Sequence[Run]:
        rows = await self._connection.fetch(
            f"SELECT position, {COLUMNS} FROM outbox"
            " WHERE position > $1 AND audience > 0 ORDER BY position LIMIT $2",
            self._last_seen,
            limit,
        )
        runs = []
        for row in rows:
            self._last_seen = row["position"]
            message = OutboxMessage(*tuple(row)[1:])
            runs.append(Run("order", message.aggregate_id, _LEASE, [message]))
        return runs

    async def settle(self, settlements: Sequence[Settlement]) -> Settled:
        return Settled([], has_more=False)


class SettlesBeforeItDelivers(Broken):
    """Notes a message as delivered, and then delivers it."""

    def __init__(self, outbox: Outbox) -> None:
        self._outbox = outbox

    async def claim(self, limit: int) -> Sequence[Run]:
        runs = await self._outbox.claim(limit)
        if runs:
            await self._outbox.settle([Settlement(run, len(run.messages)) for run in runs])
        return runs

    async def settle(self, settlements: Sequence[Settlement]) -> Settled:
        return Settled([], has_more=False)


class SkipsLockedMessages(Broken):
    """Takes the oldest message that nobody has locked, whatever is under way of its aggregate."""

    def __init__(self, connection: asyncpg.Connection) -> None:
        self._connection = connection
        self._transaction: Transaction | None = None

    async def claim(self, limit: int) -> Sequence[Run]:
        if self._transaction is not None:
            return []
        transaction = self._connection.transaction()
        await transaction.start()
        row = await self._connection.fetchrow(
            f"SELECT {COLUMNS} FROM outbox WHERE delivered_at IS NULL AND audience > 0"
            " ORDER BY version, ordinal LIMIT 1 FOR UPDATE SKIP LOCKED"
        )
        if row is None:
            await transaction.rollback()
            return []
        self._transaction = transaction
        message = OutboxMessage(*row)
        return [Run(message.aggregate_type, message.aggregate_id, Lease(1), [message])]

    async def settle(self, settlements: Sequence[Settlement]) -> Settled:
        for settlement in settlements:
            (message,) = settlement.run.messages
            await self._connection.execute(
                "UPDATE outbox SET delivered_at = now() WHERE op_id = $1 AND ordinal = $2",
                message.op_id,
                message.ordinal,
            )
        assert self._transaction is not None
        await self._transaction.commit()
        self._transaction = None
        return Settled([], has_more=True)


async def charges_anew_each_time(bus: MessageBus, event: OrderPlaced) -> None:
    """Handle a message without an inbox entry, under an `op_id` that is new at each delivery."""
    command = ChargeAccount(
        account_id=event.account_id, order_id=event.aggregate_id, amount_cents=event.total_cents
    )
    await bus.handle(command, Attempt(uuid4()))


async def connected(address: DatabaseAddress) -> asyncpg.Connection:
    return await asyncpg.connect(
        host=address.host,
        port=address.port,
        user=address.user,
        password=address.password,
        database=address.database,
    )


_LEASE = Lease(1)
