"""Every way in which a relay can be wrong is convicted by a check, and the right one passes it.

| what is wrong | the check that convicts it |
| --- | --- |
| reads beyond the last number seen | every committed message is delivered |
| settles before it delivers | every committed message is delivered |
| publishes before the commit | nothing is delivered that was not committed |
| skips locked messages, not aggregates | messages of an aggregate are delivered in its order |
| handles without an inbox | every order is charged for once and closed by the answer |
"""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from dataclasses import replace
from typing import TYPE_CHECKING, Self
from uuid import UUID, uuid4

import pytest

from outboxbench.analysis.relay_checks import judge_chain, judge_deliveries
from outboxbench.core.application.backoff import Backoff
from outboxbench.core.application.bootstrap import bootstrap, bootstrap_delivery
from outboxbench.core.application.delivery import Unavailable
from outboxbench.core.application.internal_delivery import decode
from outboxbench.core.application.outcome import Attempt, PersistenceError
from outboxbench.core.application.relay import Relay
from outboxbench.core.application.relay_settings import RelaySettings
from outboxbench.core.brokers.memory import MemoryBroker
from outboxbench.core.domain.order_events import OrderPlaced
from outboxbench.core.domain.ordering import OrderLine, PlaceOrder
from outboxbench.core.domain.payments import ChargeAccount, Deposit, OpenAccount
from outboxbench.core.strategies.asyncpg.persistence import open_pool
from outboxbench.core.strategies.registry import load_strategy
from outboxbench.core.strategies.settings import StrategySettings
from outboxbench.harness.postgres.chain_state import read_chain
from outboxbench.harness.postgres.server import connect
from outboxbench.harness.relay_database import prepare_database
from outboxbench.harness.relaying.due import due_messages
from outboxbench.results.deliveries import Deliveries
from outboxbench_planted.beyond_last_seen import NUMBERED, BeyondLastSeen
from outboxbench_planted.settles_first import SettlesFirst
from outboxbench_planted.skips_locked import SkipsLocked

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from types import TracebackType

    import asyncpg

    from outboxbench.core.application.message_bus import MessageBus
    from outboxbench.core.application.outbox import OutboxMessage
    from outboxbench.core.application.ports import Outbox, Persistence, Receiver
    from outboxbench.core.domain.message import Command
    from outboxbench.core.strategies.settings import DatabaseAddress

DELIVERED = "every committed message is delivered"
COMMITTED = "nothing is delivered that was not committed"
ORDERED = "messages of an aggregate are delivered in its order"
LINES = (OrderLine(1, "tea", 2, 450),)
LEASE_S = 30.0
SETTINGS = RelaySettings(outage=Backoff(0.001, 0.002), first_poll_s=0.001, poll_s=0.01)
PATIENCE_S = 20.0

STORE = """
    INSERT INTO outbox
        (op_id, ordinal, aggregate_type, aggregate_id, version, topic, audience, state)
    VALUES ($1, 0, 'order', $2, 1, 'order.line_changed', 2, '{}')
"""


class Scene:
    """A database with an outbox, a strategy on it, and what has arrived from it."""

    def __init__(self, address: DatabaseAddress) -> None:
        self.address = address
        self.received: list[OutboxMessage] = []
        self._exits = AsyncExitStack()
        self.persistence: Persistence
        self.pool: asyncpg.Pool

    async def __aenter__(self) -> Self:
        prepare_database(self.address, "lease", announces=False)
        settings = StrategySettings(self.address, pool_size=6)
        self.persistence = await load_strategy("asyncpg").open(settings)
        self._exits.push_async_callback(self.persistence.close)
        self.pool = await open_pool(replace(settings, pool_size=4))
        self._exits.push_async_callback(self.pool.close)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._exits.aclose()

    @property
    def outbox(self) -> Outbox:
        """An outbox that is right."""
        return self.persistence.outbox("lease", LEASE_S)

    async def handle(self, *commands: Command) -> None:
        for command in commands:
            await bootstrap(self.persistence).handle(command, Attempt(uuid4()))

    async def deliver(self, message: OutboxMessage) -> None:
        """Receive a message: the scene is what relays deliver to."""
        self.received.append(message)

    async def drain(self, outbox: Outbox, receiver: Receiver | None = None) -> None:
        async with asyncio.timeout(PATIENCE_S):
            await Relay(outbox, receiver or self, SETTINGS).drain()

    def failed(self) -> set[str]:
        """Return the checks that do not pass."""
        with connect(self.address) as connection:
            due = due_messages(connection, "-infinity")
        keys = [(message.op_id, message.ordinal) for message in self.received]
        checks = judge_deliveries(Deliveries(due, keys))
        return {check.name for check in checks if check.verdict != "pass"}


@pytest.fixture
async def scene(database: DatabaseAddress) -> AsyncIterator[Scene]:
    async with Scene(database) as scene:
        yield scene


@pytest.mark.parametrize("broken", [True, False])
async def test_a_number_that_commits_late_is_lost_to_who_reads_beyond_the_last_one_seen(
    scene: Scene, broken: bool
) -> None:
    await scene.pool.execute(NUMBERED)
    outbox = BeyondLastSeen(scene.pool, "lease", LEASE_S) if broken else scene.outbox
    async with scene.pool.acquire() as early, early.transaction():
        await early.execute(STORE, uuid4(), uuid4())
        await scene.pool.execute(STORE, uuid4(), uuid4())
        await scene.drain(outbox)
    await scene.drain(outbox)
    assert scene.failed() == ({DELIVERED} if broken else set())


@pytest.mark.parametrize("broken", [True, False])
async def test_a_message_is_lost_that_is_settled_before_it_is_delivered(
    scene: Scene, broken: bool
) -> None:
    class Down(MemoryBroker):
        """Cannot be reached at first."""

        async def deliver(self, message: OutboxMessage) -> None:
            if not self.published:
                await self.publish(message)
                raise Unavailable("down")
            await scene.deliver(message)

    await scene.handle(OpenAccount(account_id=uuid4()))
    outbox = SettlesFirst(scene.pool, "lease", LEASE_S) if broken else scene.outbox
    await scene.drain(outbox, Down())
    assert scene.failed() == ({DELIVERED} if broken else set())


@pytest.mark.parametrize("broken", [True, False])
async def test_what_is_published_before_its_commit_may_never_have_happened(
    scene: Scene, broken: bool
) -> None:
    account_id = uuid4()
    await scene.handle(OpenAccount(account_id=account_id))
    await scene.drain(scene.outbox)
    if broken:
        # What a writer does that tells the broker itself, in the hope of its commit.
        unsaid = replace(scene.received[0], op_id=uuid4())
        await scene.deliver(unsaid)
    with pytest.raises(PersistenceError):
        await scene.handle(OpenAccount(account_id=account_id))
    await scene.drain(scene.outbox)
    assert scene.failed() == ({COMMITTED} if broken else set())


@pytest.mark.parametrize("broken", [True, False])
async def test_messages_overtake_each_other_where_only_the_messages_are_locked(
    scene: Scene, broken: bool
) -> None:
    await scene.handle(PlaceOrder(order_id=uuid4(), account_id=uuid4(), lines=LINES))
    holds, may_go_on = asyncio.Event(), asyncio.Event()

    class Slow:
        """Takes its time for the first message."""

        async def deliver(self, message: OutboxMessage) -> None:
            holds.set()
            await may_go_on.wait()
            await scene.deliver(message)

    def new_outbox() -> Outbox:
        return SkipsLocked(scene.pool, "lease", LEASE_S) if broken else scene.outbox

    first, second = new_outbox(), new_outbox()
    slow = asyncio.create_task(scene.drain(first, Slow()))
    await holds.wait()
    await scene.drain(second)
    may_go_on.set()
    await slow
    assert scene.failed() == ({ORDERED} if broken else set())


@pytest.mark.parametrize("broken", [True, False])
async def test_an_order_is_charged_twice_by_a_handler_without_an_inbox(
    scene: Scene, broken: bool
) -> None:
    account_id, order_id = uuid4(), uuid4()
    await scene.handle(
        OpenAccount(account_id=account_id),
        Deposit(account_id=account_id, amount_cents=10_000),
        PlaceOrder(order_id=order_id, account_id=account_id, lines=LINES),
    )
    placed = await _placed(scene, order_id)
    delivery = bootstrap_delivery(scene.persistence, scene.outbox, MemoryBroker(), concurrency=1)
    for _ in range(2):
        if broken:
            event = decode(placed, {OrderPlaced.topic: OrderPlaced})
            assert isinstance(event, OrderPlaced)
            await _charge_anew(bootstrap(scene.persistence), event)
        else:
            await delivery.deliver(placed)
    # Whatever follows is delivered as it should be; an order can be confirmed once only.
    await scene.drain(scene.outbox, delivery)
    chain = read_chain(scene.address)
    assert chain.charged_twice == (1 if broken else 0)
    assert judge_chain(chain).verdict == ("fail" if broken else "pass")


async def _charge_anew(bus: MessageBus, event: OrderPlaced) -> None:
    """Handle a message without an inbox entry, under an `op_id` that is new at each delivery."""
    command = ChargeAccount(
        account_id=event.account_id, order_id=event.aggregate_id, amount_cents=event.total_cents
    )
    await bus.handle(command, Attempt(uuid4()))


async def _placed(scene: Scene, order_id: UUID) -> OutboxMessage:
    """Return the message of an order that was placed, as a relay would see it."""
    outbox = scene.persistence.outbox("lease", lease_s=0.001)
    runs = await outbox.claim(100)
    await asyncio.sleep(0.002)
    return next(run.messages[0] for run in runs if run.aggregate_id == order_id)
