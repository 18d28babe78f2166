"""The relay: what it delivers, in which order, and how often."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING
from uuid import UUID

import pytest
from tests.core.application.relay_world import SETTINGS, World, working
from tests.waiting import until

from outboxbench.core.application.doorbell import Doorbell
from outboxbench.core.application.outcome import FailureKind, PersistenceError
from outboxbench.core.brokers.memory import MemoryBroker
from outboxbench.core.domain.ordering import OrderStatus

if TYPE_CHECKING:
    from collections.abc import Sequence

    from outboxbench.core.application.outbox import OutboxMessage, Settled, Settlement


async def test_everything_is_delivered_in_the_order_of_each_aggregate() -> None:
    world = World()
    account_id = await world.account(10**6)
    orders = [await world.order(account_id) for _ in range(50)]
    await world.relay().drain()
    seen: dict[UUID, list[tuple[int, int]]] = {}
    for message in world.broker.published:
        seen.setdefault(message.aggregate_id, []).append((message.version, message.ordinal))
    assert set(seen) == {account_id, *orders}
    assert all(places == sorted(set(places)) for places in seen.values())
    assert world.undelivered == 0


@pytest.mark.parametrize(
    ("cents", "status", "topic"),
    [
        (900, OrderStatus.CONFIRMED, "order.confirmed"),
        (899, OrderStatus.CANCELLED, "order.cancelled"),
    ],
)
async def test_an_order_is_charged_and_closed_by_the_transactions_that_follow(
    cents: int, status: OrderStatus, topic: str
) -> None:
    world = World()
    account_id = await world.account(cents)
    order_id = await world.order(account_id)
    await world.relay().drain()
    assert world.status_of(order_id) is status
    assert world.balance_cents(account_id) == cents % 900
    assert [each.topic for each in world.broker.published if each.aggregate_id == order_id] == [
        "order.placed",
        "order.stock_requested",
        topic,
    ]


async def test_one_message_of_an_aggregate_at_a_time_is_unconfirmed_and_many_of_different() -> None:
    world, under_way, most = World(), Counter[UUID](), []

    class SlowBroker(MemoryBroker):
        async def publish(self, message: OutboxMessage) -> None:
            under_way[message.aggregate_id] += 1
            assert under_way[message.aggregate_id] == 1
            most.append(sum(under_way.values()))
            await asyncio.sleep(0.001)
            under_way[message.aggregate_id] -= 1

    account_id = await world.account(10**6)
    for _ in range(20):
        await world.order(account_id)
    await world.relay(SlowBroker()).drain()
    assert max(most) > 10


async def test_effects_happen_once_though_every_message_is_delivered_twice() -> None:
    world = World()
    account_id = await world.account(10**6)
    orders = [await world.order(account_id) for _ in range(5)]
    await world.relay().drain()
    stored = list(world.memory.tables.messages)
    for message in stored:
        message.delivered_s = None
    await world.relay().drain()
    assert [each.delivered_s is not None for each in stored].count(True) == len(stored) - 1
    assert world.memory.tables.messages == stored, "a redelivery had an effect"
    assert world.balance_cents(account_id) == 10**6 - 5 * 900
    assert len(world.memory.tables.inbox) == 2 * len(orders)


async def test_a_settlement_that_fails_is_repeated_and_nothing_is_delivered_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world, failures = World(), iter(range(3))
    await world.account(1)
    relay = world.relay()
    settle = relay._outbox.settle

    async def fail_at_first(settlements: Sequence[Settlement]) -> Settled:
        if next(failures, None) is not None:
            raise PersistenceError("the server is gone", FailureKind.CONNECTION)
        return await settle(settlements)

    monkeypatch.setattr(relay._outbox, "settle", fail_at_first)
    async with working(relay):
        await until(lambda: world.undelivered == 0)
    assert (len(world.broker.published), relay.tally.outages) == (1, 3)


async def test_a_settlement_that_is_too_large_for_a_server_is_made_in_smaller_parts(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world, sizes = World(), []
    for _ in range(40):
        await world.account(1)
    relay = world.relay()
    settle = relay._outbox.settle

    async def fail_above_ten(settlements: Sequence[Settlement]) -> Settled:
        sizes.append(len(settlements))
        if len(settlements) > 10:
            raise PersistenceError("the statement took too long", FailureKind.CONNECTION)
        return await settle(settlements)

    monkeypatch.setattr(relay._outbox, "settle", fail_above_ten)
    async with working(relay):
        await until(lambda: world.undelivered == 0)
    assert max(sizes) > 10
    assert len(world.broker.published) == 40


async def test_a_relay_that_is_stopped_settles_what_is_on_its_way() -> None:
    world, published = World(), asyncio.Event()
    await world.account(1)

    class SlowBroker(MemoryBroker):
        async def publish(self, message: OutboxMessage) -> None:
            published.set()
            await asyncio.sleep(0.05)
            await super().publish(message)

    broker = SlowBroker()
    async with working(world.relay(broker)):
        await published.wait()
    assert (len(broker.published), world.undelivered, world.memory.tables.leases) == (1, 0, {})


async def test_a_ring_wakes_a_relay_long_before_it_would_look_by_itself() -> None:
    world, doorbell = World(), Doorbell()
    settings = replace(SETTINGS, first_poll_s=3600, poll_s=3600)
    listening = asyncio.create_task(world.memory.listen(doorbell.ring))
    async with working(world.relay(settings=settings, doorbell=doorbell)):
        for _ in range(3):
            await asyncio.sleep(0.01)
            await world.order(await world.account(900))
            await until(lambda: world.undelivered == 0)
    listening.cancel()


async def test_past_its_lease_a_relay_delivers_nothing_more() -> None:
    world = World()
    order_id = await world.order(await world.account(900))
    settings = replace(SETTINGS, lease_s=0.02)

    class FreezingBroker(MemoryBroker):
        async def publish(self, message: OutboxMessage) -> None:
            await super().publish(message)
            if message.topic == "order.placed" and len(self.published) < 3:
                # Not only this relay's delivery stands still, its renewals do as well.
                await asyncio.get_running_loop().run_in_executor(None, lambda: None)
                relay._claims[next(iter(relay._claims))].lease.valid_until_s = 0.0

    broker = FreezingBroker()
    relay = world.relay(broker, settings)
    await relay.drain()
    topics = [each.topic for each in broker.published if each.aggregate_id == order_id]
    assert topics == ["order.placed", "order.stock_requested", "order.confirmed"]
