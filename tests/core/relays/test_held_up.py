"""Rows that somebody else has locked: their message waits, nothing dies, and all else flows."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING
from uuid import uuid4

from tests.waiting import until

from outboxbench.core.application.backoff import Backoff
from outboxbench.core.application.bootstrap import bootstrap, bootstrap_delivery
from outboxbench.core.application.outcome import Attempt
from outboxbench.core.application.relay import Relay
from outboxbench.core.application.relay_settings import RelaySettings
from outboxbench.core.brokers.memory import MemoryBroker
from outboxbench.core.domain.ordering import OrderLine, PlaceOrder
from outboxbench.core.domain.payments import Deposit, OpenAccount
from outboxbench.core.strategies.registry import load_strategy
from outboxbench.core.strategies.settings import StrategySettings
from outboxbench.harness.postgres.server import connect
from outboxbench.harness.relay_database import prepare_database

if TYPE_CHECKING:
    from uuid import UUID

    from outboxbench.core.application.message_bus import MessageBus
    from outboxbench.core.strategies.settings import DatabaseAddress

LINES = (OrderLine(1, "tea", 2, 450),)
SETTINGS = RelaySettings(
    outage=Backoff(0.001, 0.01), first_poll_s=0.001, poll_s=0.01, max_refusals=2
)
PATIENCE_S = 20.0


async def place(bus: MessageBus) -> tuple[UUID, UUID]:
    account_id, order_id = uuid4(), uuid4()
    for command in (
        OpenAccount(account_id=account_id),
        Deposit(account_id=account_id, amount_cents=900),
        PlaceOrder(order_id=order_id, account_id=account_id, lines=LINES),
    ):
        await bus.handle(command, Attempt(uuid4()))
    return account_id, order_id


async def test_a_locked_row_holds_up_its_order_and_no_other(database: DatabaseAddress) -> None:
    prepare_database(database, "lease", announces=False)
    settings = StrategySettings(database, pool_size=6, lock_timeout_s=0.05)
    persistence = await load_strategy("asyncpg").open(settings)
    locker = connect(database)
    broker = MemoryBroker()
    try:
        account_id, held = await place(bootstrap(persistence))
        locker.autocommit = False
        locker.execute("SELECT FROM accounts WHERE id = %s FOR UPDATE", (account_id,))
        _, free = await place(bootstrap(persistence))
        outbox = persistence.outbox("lease", lease_s=30)
        relay = Relay(
            outbox, bootstrap_delivery(persistence, outbox, broker, concurrency=4), SETTINGS
        )

        def closed() -> set[UUID]:
            return {
                each.aggregate_id for each in broker.published if each.topic == "order.confirmed"
            }

        async with asyncio.timeout(PATIENCE_S):
            running = asyncio.create_task(relay.run())
            try:
                await until(lambda: relay.tally.refused >= 3 * SETTINGS.max_refusals)
                await until(lambda: closed() == {free})
                (refused,) = (await outbox.status()).refused
                locker.rollback()
                await until(lambda: closed() == {held, free})
            finally:
                relay.stop()
                await running
    finally:
        locker.close()
        await persistence.close()

    assert (relay.tally.dead, relay.tally.outages) == (0, 0)
    assert refused.aggregate_id == held
    assert refused.next_attempt_at is not None
    assert "lock timeout" in refused.reason
