"""What a relay does when a receiver is in its way: out of reach, or refusing a message."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest
from tests.core.application.relay_world import SETTINGS, FailingBroker, World, working
from tests.waiting import until

from outboxbench.core.application.bootstrap import bootstrap_delivery
from outboxbench.core.application.delivery import HeldUp, MessageRefused, Unavailable
from outboxbench.core.domain.ordering import OrderStatus

if TYPE_CHECKING:
    from outboxbench.core.application.outbox import OutboxMessage


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
    assert {world.status_of(other) for other in others} == {OrderStatus.CONFIRMED}
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
