"""The relay: what it delivers, in which order, and what it does when a receiver is in its way."""

from __future__ import annotations

import asyncio
from collections import Counter
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING
from uuid import UUID, uuid4

import pytest
from tests.waiting import until

from outboxbench.core.application.backoff import Backoff
from outboxbench.core.application.bootstrap import bootstrap, bootstrap_delivery
from outboxbench.core.application.delivery import HeldUp, MessageRefused, Unavailable
from outboxbench.core.application.doorbell import Doorbell
from outboxbench.core.application.outcome import Attempt, FailureKind, PersistenceError
from outboxbench.core.application.relay import Relay
from outboxbench.core.application.relay_settings import RelaySettings
from outboxbench.core.brokers.memory import MemoryBroker
from outboxbench.core.domain.ordering import OrderLine, OrderStatus, PlaceOrder
from outboxbench.core.domain.payments import Deposit, OpenAccount
from outboxbench.core.strategies.memory.persistence import MemoryPersistence

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Sequence

    from outboxbench.core.application.outbox import OutboxMessage, Settled, Settlement
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
    order = world.memory.aggregates["order", order_id]
    account = world.memory.aggregates["account", account_id]
    assert (order.status, account.balance_cents) == (status, cents % 900)  # type: ignore[union-attr]
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
    assert world.memory.aggregates["account", account_id].balance_cents == 10**6 - 5 * 900  # type: ignore[union-attr]
    assert len(world.memory.tables.inbox) == 2 * len(orders)


async def test_a_broker_that_cannot_be_reached_costs_no_attempt_and_is_waited_out() -> None:
    world, outages = World(), iter(range(20))
    await world.account(1)
    broker = FailingBroker(lambda _: None if next(outages, None) is None else Unavailable("down"))
    relay = world.relay(broker)
    async with working(relay):
        await until(lambda: world.undelivered == 0)
    assert (relay.tally.refused, relay.tally.outages) == (0, 20)
    assert world.memory.tables.held == {}
    assert [each.topic for each in broker.published] == ["account.opened"]


async def test_a_refused_message_is_tried_again_and_what_follows_it_waits() -> None:
    world, refusals = World(), iter(range(2))
    order_id = await world.order(await world.account(900))

    def refuse_twice(message: OutboxMessage) -> Exception | None:
        if message.topic != "order.placed" or next(refusals, None) is None:
            return None
        return MessageRefused("not now")

    broker = FailingBroker(refuse_twice)
    relay = world.relay(broker)
    async with working(relay):
        await until(lambda: world.undelivered == 0)
    topics = [each.topic for each in broker.published if each.aggregate_id == order_id]
    assert topics == ["order.placed", "order.stock_requested", "order.confirmed"]
    assert (relay.tally.refused, relay.tally.dead) == (2, 0)


async def test_a_message_that_others_hold_up_never_dies_and_keeps_nobody_from_flowing() -> None:
    world, attempts = World(), iter(range(5 * SETTINGS.max_refusals))
    account_id = await world.account(10**6)
    held, free = await world.order(account_id), await world.order(account_id)

    def hold_up(message: OutboxMessage) -> Exception | None:
        if message.aggregate_id != held or next(attempts, None) is None:
            return None
        return HeldUp("its row is locked")

    broker = FailingBroker(hold_up)
    relay = world.relay(broker)
    async with working(relay):
        await until(lambda: world.undelivered == 0)
    tally = relay.tally
    assert (tally.refused, tally.dead, tally.outages) == (5 * SETTINGS.max_refusals, 0, 0)
    last = {
        order: max(i for i, each in enumerate(broker.published) if each.aggregate_id == order)
        for order in (held, free)
    }
    assert last[free] < last[held]


async def test_a_message_that_is_always_refused_dies_and_others_flow() -> None:
    world = World()
    account_id = await world.account(10**6)
    poisoned, others = await world.order(account_id), [await world.order(account_id)]
    broker = FailingBroker(
        lambda message: MessageRefused("poison") if message.aggregate_id == poisoned else None
    )
    relay = world.relay(broker)
    outbox = world.memory.outbox("lease", 1)
    async with working(relay):
        await until(lambda: relay.tally.dead == 1)
        others.append(await world.order(account_id))
        await until(lambda: world.undelivered == 3)
    # It was charged for before the broker refused it, and so confirmed, behind what is dead.
    status = await outbox.status()
    (dead,) = status.refused
    assert (dead.aggregate_id, dead.topic, dead.refusals) == (poisoned, "order.placed", 3)
    assert (dead.next_attempt_at, dead.reason, status.held) == (None, "poison", 3)
    assert all(
        world.memory.aggregates["order", other].status is OrderStatus.CONFIRMED  # type: ignore[union-attr]
        for other in others
    )
    assert await outbox.redrive() == 1
    await world.relay().drain()
    assert world.undelivered == 0


async def test_a_receiver_that_breaks_in_an_unexpected_way_refuses_the_message() -> None:
    world = World()
    await world.account(1)
    relay = world.relay(FailingBroker(lambda _: ZeroDivisionError("oops")))
    async with working(relay):
        await until(lambda: relay.tally.dead == 1)
    (dead,) = (await world.memory.outbox("lease", 1).status()).refused
    assert dead.reason == "unexpected ZeroDivisionError: oops"


async def test_a_settlement_that_fails_is_repeated_and_nothing_is_delivered_again() -> None:
    world, failures = World(), iter(range(3))
    await world.account(1)
    relay = world.relay()
    settle = relay._outbox.settle

    async def fail_at_first(settlements: Sequence[Settlement]) -> Settled:
        if next(failures, None) is not None:
            raise PersistenceError("the server is gone", FailureKind.CONNECTION)
        return await settle(settlements)

    relay._outbox.settle = fail_at_first  # type: ignore[method-assign]
    async with working(relay):
        await until(lambda: world.undelivered == 0)
    assert (len(world.broker.published), relay.tally.outages) == (1, 3)


async def test_a_settlement_that_is_too_large_for_a_server_is_made_in_smaller_parts() -> None:
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

    relay._outbox.settle = fail_above_ten  # type: ignore[method-assign]
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


async def test_a_message_that_no_handler_understands_is_refused_with_the_reason() -> None:
    world = World()
    delivery = bootstrap_delivery(
        world.memory, world.memory.outbox("lease", 1), world.broker, concurrency=1
    )
    await world.order(await world.account(900))
    placed = next(
        stored.to_deliver()
        for stored in world.memory.tables.messages
        if stored.message.topic == "order.placed"
    )
    for spoiled, reason in (
        (replace(placed, topic="order.vanished"), "no handler here knows the topic"),
        (replace(placed, state="{"), "cannot be read: Expecting property name"),
        (replace(placed, state="[]"), "it is list and no object"),
        (replace(placed, state="{}"), "its account_id is None and no text"),
        (
            replace(placed, state='{"account_id": "x", "total_cents": 1}'),
            "its account_id is 'x' and no UUID",
        ),
        (
            replace(placed, state=placed.state.replace(":900", ':"900"')),
            "its total_cents is '900' and no integer",
        ),
        (
            replace(placed, state=f'{{"format": 2, {placed.state[1:]}'),
            "it has format 2, and 1 is known here",
        ),
    ):
        with pytest.raises(MessageRefused, match=reason):
            await delivery.deliver(spoiled)
    assert world.broker.published == []


async def test_a_handler_that_fails_refuses_and_one_that_meets_an_outage_does_not() -> None:
    world = World()
    order_id = await world.order(uuid4())
    relay = world.relay()
    async with working(relay):
        await until(lambda: relay.tally.dead == 1)
    (dead,) = (await world.memory.outbox("lease", 1).status()).refused
    assert dead.aggregate_id == order_id
    assert dead.reason.startswith(
        "ChargeAccount failed with AggregateNotFound: there is no account"
    )
