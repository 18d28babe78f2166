"""A world that a relay works in: all in memory, at the pace of milliseconds."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING
from uuid import UUID, uuid4

from outboxbench.core.application.backoff import Backoff
from outboxbench.core.application.bootstrap import bootstrap, bootstrap_delivery
from outboxbench.core.application.outcome import Attempt
from outboxbench.core.application.relay import Relay
from outboxbench.core.application.relay_settings import RelaySettings
from outboxbench.core.brokers.memory import MemoryBroker
from outboxbench.core.domain.ordering import Order, OrderLine, OrderStatus, PlaceOrder
from outboxbench.core.domain.payments import Account, Deposit, OpenAccount
from outboxbench.core.strategies.memory.persistence import MemoryPersistence

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from outboxbench.core.application.doorbell import Doorbell
    from outboxbench.core.application.outbox import OutboxMessage
    from outboxbench.core.application.ports import Broker
    from outboxbench.core.domain.message import Command

SETTINGS = RelaySettings(
    first_poll_s=0.001,
    poll_s=0.005,
    retry=Backoff(0.001, 0.002),
    outage=Backoff(0.001, 0.002),
    max_refusals=3,
)
LINES = (OrderLine(1, "tea", 2, 450),)
PATIENCE_S = 20.0


class World:
    """A memory with orders in it, and a relay that can be made to work on it."""

    def __init__(self) -> None:
        self.memory = MemoryPersistence()
        self.broker = MemoryBroker()
        self._bus = bootstrap(self.memory)

    async def handle(self, command: Command) -> None:
        await self._bus.handle(command, Attempt(uuid4()))

    async def account(self, cents: int) -> UUID:
        account_id = uuid4()
        await self.handle(OpenAccount(account_id=account_id))
        await self.handle(Deposit(account_id=account_id, amount_cents=cents))
        return account_id

    async def order(self, account_id: UUID) -> UUID:
        order_id = uuid4()
        await self.handle(PlaceOrder(order_id=order_id, account_id=account_id, lines=LINES))
        return order_id

    def status_of(self, order_id: UUID) -> OrderStatus:
        order = self.memory.aggregates[Order.aggregate_type, order_id]
        assert isinstance(order, Order)
        return order.status

    def balance_cents(self, account_id: UUID) -> int:
        account = self.memory.aggregates[Account.aggregate_type, account_id]
        assert isinstance(account, Account)
        return account.balance_cents

    def relay(
        self,
        broker: Broker | None = None,
        settings: RelaySettings = SETTINGS,
        doorbell: Doorbell | None = None,
    ) -> Relay:
        outbox = self.memory.outbox("lease", settings.lease_s)
        delivery = bootstrap_delivery(self.memory, outbox, broker or self.broker, concurrency=4)
        return Relay(outbox, delivery, settings, doorbell)

    @property
    def undelivered(self) -> int:
        return sum(len(each) for each in self.memory.tables.undelivered().values())


class FailingBroker(MemoryBroker):
    """Fails as it is told to, for each message, before it takes it."""

    def __init__(self, failure: Callable[[OutboxMessage], Exception | None]) -> None:
        super().__init__()
        self._failure = failure

    async def publish(self, message: OutboxMessage) -> None:
        if (failure := self._failure(message)) is not None:
            raise failure
        await super().publish(message)


@asynccontextmanager
async def working(relay: Relay) -> AsyncIterator[asyncio.Task[None]]:
    """Run a relay, and stop it at the end."""
    async with asyncio.timeout(PATIENCE_S):
        task = asyncio.create_task(relay.run())
        try:
            yield task
        finally:
            relay.stop()
            await task
