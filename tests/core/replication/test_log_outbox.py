"""The outbox as the log tells it: what is committed, in its order, until it is settled."""

from __future__ import annotations

import asyncio
import json
import secrets
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

import pytest

from outboxbench.core.application.bootstrap import bootstrap, bootstrap_delivery
from outboxbench.core.application.doorbell import Doorbell
from outboxbench.core.application.outbox import Refusal, Settlement
from outboxbench.core.application.outcome import Attempt, PersistenceError
from outboxbench.core.application.relay import Relay, RelaySettings
from outboxbench.core.brokers.memory import MemoryBroker
from outboxbench.core.domain.ordering import OrderLine, PlaceOrder
from outboxbench.core.domain.payments import Deposit, OpenAccount
from outboxbench.core.replication.opening import open_log_outbox
from outboxbench.core.strategies.registry import load_strategy
from outboxbench.core.strategies.settings import StrategySettings
from outboxbench.harness.errors import CannotRun
from outboxbench.harness.postgres.chain_state import read_chain
from outboxbench.harness.postgres.databases import Databases
from outboxbench.harness.postgres.server import connect, open_server
from outboxbench.harness.relay_database import prepare_database

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Sequence

    import psycopg

    from outboxbench.core.application.outbox import Run
    from outboxbench.core.replication.outbox import LogOutbox
    from outboxbench.core.strategies.settings import DatabaseAddress
    from outboxbench.harness.janitor import Janitor
    from outboxbench.harness.postgres.server import Server

PATIENCE_S = 20.0
STORE = """
    INSERT INTO outbox
        (op_id, ordinal, aggregate_type, aggregate_id, version, topic, audience, state)
    VALUES (%s, 0, 'order', %s, %s, 'order.line_changed', 2, '{}')
"""
SLOTS = "SELECT count(*) FROM pg_replication_slots WHERE database = %s"
CONFIRMED = "SELECT confirmed_flush_lsn >= %s FROM pg_replication_slots WHERE slot_name = %s"


@pytest.fixture(scope="module")
def log_server(janitor: Janitor) -> Iterator[Server]:
    settings = {"wal_level": "logical", "max_slot_wal_keep_size": "1GB"}
    with open_server(None, None, janitor, settings) as server:
        yield server


@pytest.fixture(scope="module")
def databases(log_server: Server) -> Iterator[Databases]:
    with Databases(log_server, f"log{secrets.token_hex(4)}") as databases:
        yield databases


@pytest.fixture
def address(databases: Databases) -> Iterator[DatabaseAddress]:
    address = databases.create(secrets.token_hex(4))
    prepare_database(address, "log", announces=False)
    yield address
    databases.drop(address)


@pytest.fixture
def connection(address: DatabaseAddress) -> Iterator[psycopg.Connection[tuple[Any, ...]]]:
    with connect(address) as connection:
        yield connection


@pytest.fixture
async def outbox(address: DatabaseAddress) -> AsyncIterator[LogOutbox]:
    outbox = await _open(address)
    yield outbox
    await outbox.close()


async def test_what_is_committed_comes_in_the_order_of_commits_and_nothing_else(
    outbox: LogOutbox, connection: psycopg.Connection[tuple[Any, ...]], address: DatabaseAddress
) -> None:
    first, second, never = uuid4(), uuid4(), uuid4()
    with connect(address) as other:
        other.autocommit = False
        other.execute(STORE, (uuid4(), second, 1))
        connection.execute(STORE, (uuid4(), first, 1))
        other.commit()
        other.execute(STORE, (uuid4(), never, 1))
        other.rollback()
    runs = await _claimed(outbox, 2)
    seen = [(run.aggregate_id, message.version) for run in runs for message in run.messages]
    assert seen == [(first, 1), (second, 1)]


async def test_what_was_not_settled_comes_again_after_a_crash_and_what_was_does_not(
    outbox: LogOutbox, connection: psycopg.Connection[tuple[Any, ...]], address: DatabaseAddress
) -> None:
    settled, lost = uuid4(), uuid4()
    connection.execute(STORE, (uuid4(), settled, 1))
    (run,) = await _claimed(outbox, 1)
    await outbox.settle([Settlement(run, 1)])
    connection.execute(STORE, (uuid4(), lost, 1))
    await _claimed(outbox, 1)
    await outbox.close()
    following = await _open(address)
    try:
        (again,) = await _claimed(following, 1)
        assert again.aggregate_id == lost
        await following.settle([Settlement(again, 1)])
    finally:
        await following.close()


async def test_the_log_is_confirmed_once_what_is_in_it_is_settled_and_not_before(
    outbox: LogOutbox, connection: psycopg.Connection[tuple[Any, ...]], address: DatabaseAddress
) -> None:
    connection.execute(STORE, (uuid4(), uuid4(), 1))
    (here,) = connection.execute("SELECT pg_current_wal_lsn()").fetchone() or (None,)
    (run,) = await _claimed(outbox, 1)
    await outbox.renew([run.lease.token])
    assert connection.execute(CONFIRMED, (here, address.database)).fetchone() == (False,)
    await outbox.settle([Settlement(run, 1)])
    async with asyncio.timeout(PATIENCE_S):
        while connection.execute(CONFIRMED, (here, address.database)).fetchone() != (True,):
            await outbox.renew([])
            await asyncio.sleep(0.02)


async def test_an_aggregate_on_its_way_is_not_claimed_and_what_follows_comes_after_it(
    outbox: LogOutbox, connection: psycopg.Connection[tuple[Any, ...]]
) -> None:
    aggregate, other = uuid4(), uuid4()
    connection.execute(STORE, (uuid4(), aggregate, 1))
    (run,) = await _claimed(outbox, 1)
    connection.execute(STORE, (uuid4(), aggregate, 2))
    connection.execute(STORE, (uuid4(), other, 1))
    (beside,) = await _claimed(outbox, 1)
    assert beside.aggregate_id == other
    await outbox.settle([Settlement(run, 1)])
    (rest,) = await _claimed(outbox, 1)
    assert [message.version for message in rest.messages] == [2]


async def test_a_refused_message_is_parked_with_what_follows_it_and_the_log_goes_on(
    outbox: LogOutbox, connection: psycopg.Connection[tuple[Any, ...]], address: DatabaseAddress
) -> None:
    poisoned, other = uuid4(), uuid4()
    with connection.transaction():
        connection.execute(STORE, (uuid4(), poisoned, 1))
        connection.execute(STORE, (uuid4(), poisoned, 2))
    (run,) = await _claimed(outbox, 2)
    await outbox.settle([Settlement(run, 0, Refusal("never", 8, retry_in_s=None))])
    connection.execute(STORE, (uuid4(), poisoned, 3))
    connection.execute(STORE, (uuid4(), other, 1))
    (beside,) = await _claimed(outbox, 1)
    assert beside.aggregate_id == other
    await outbox.settle([Settlement(beside, 1)])
    (refused,) = (await outbox.status()).refused
    assert (refused.aggregate_id, refused.version, refused.next_attempt_at) == (poisoned, 1, None)
    # A crash does not bring back what is parked: it is kept, not read again.
    await outbox.close()
    following = await _open(address)
    try:
        assert await following.redrive(poisoned) == 1
        versions: list[int] = []
        while len(versions) < 3:
            # What was not confirmed yet comes again as well; that is of others.
            for again in await _claimed(following, 1):
                if again.aggregate_id == poisoned:
                    versions += [message.version for message in again.messages]
                await following.settle([Settlement(again, len(again.messages))])
        assert versions == [1, 2, 3]
        assert list((await following.status()).refused) == []
    finally:
        await following.close()


async def test_a_second_relay_waits_until_the_first_is_gone_and_takes_over(
    outbox: LogOutbox, connection: psycopg.Connection[tuple[Any, ...]], address: DatabaseAddress
) -> None:
    connection.execute(STORE, (uuid4(), uuid4(), 1))
    (run,) = await _claimed(outbox, 1)
    second = await _open(address)
    try:
        with pytest.raises(PersistenceError, match="the log cannot be read"):
            await second.claim(10)
        connection.execute(
            "SELECT pg_terminate_backend(active_pid, 5000) FROM pg_replication_slots"
            " WHERE slot_name = current_database()"
        )
        (again,) = await _claimed(second, 1)
        assert again.messages == run.messages
        assert list((await outbox.settle([Settlement(run, 1)])).lost) == [run]
        assert list((await second.settle([Settlement(again, 1)])).lost) == []
    finally:
        await second.close()


async def test_an_order_goes_through_its_chain_with_nothing_but_the_log(
    address: DatabaseAddress,
) -> None:
    doorbell = Doorbell()
    outbox = await _open(address, doorbell)
    persistence = await load_strategy("asyncpg").open(StrategySettings(address, pool_size=4))
    broker = MemoryBroker()
    delivery = bootstrap_delivery(persistence, outbox, broker, concurrency=2)
    settings = RelaySettings(first_poll_s=5, poll_s=5)
    relay = Relay(outbox, delivery, settings, doorbell)
    running = asyncio.create_task(relay.run())
    try:
        bus = bootstrap(persistence)
        for _ in range(5):
            account_id = uuid4()
            for command in (
                OpenAccount(account_id=account_id),
                Deposit(account_id=account_id, amount_cents=900),
                PlaceOrder(
                    order_id=uuid4(),
                    account_id=account_id,
                    lines=(OrderLine(1, "tea", 2, 450),),
                ),
            ):
                await bus.handle(command, Attempt(uuid4()))
        async with asyncio.timeout(PATIENCE_S):
            while [each.topic for each in broker.published].count("order.confirmed") < 5:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
    finally:
        relay.stop()
        await running
        await outbox.close()
        await persistence.close()
    chain = read_chain(address)
    assert (chain.placed, chain.unanswered, chain.charged_twice, chain.open) == (5, 0, 0, 0)


async def test_a_message_that_was_never_in_a_table_is_delivered_from_the_log(
    outbox: LogOutbox, connection: psycopg.Connection[tuple[Any, ...]]
) -> None:
    op_id, aggregate_id = uuid4(), uuid4()
    content = {
        "op_id": str(op_id),
        "ordinal": 0,
        "aggregate_type": "order",
        "aggregate_id": str(aggregate_id),
        "version": 1,
        "topic": "order.line_changed",
        "audience": 2,
        "state": {"line_no": 1},
    }
    connection.execute(
        "SELECT pg_logical_emit_message(true, 'outbox', %s::text)", (json.dumps(content),)
    )
    (run,) = await _claimed(outbox, 1)
    (message,) = run.messages
    assert (message.op_id, message.aggregate_id, message.topic) == (
        op_id,
        aggregate_id,
        "order.line_changed",
    )
    assert json.loads(message.state) == {"line_no": 1}


async def test_what_was_stored_before_the_slot_was_made_is_delivered_too(
    databases: Databases,
) -> None:
    address = databases.create(secrets.token_hex(4))
    prepare_database(address, "lease", announces=False)
    aggregate = uuid4()
    with connect(address) as connection:
        connection.execute(STORE, (uuid4(), aggregate, 1))
    prepare_database(address, "log", announces=False)
    outbox = await _open(address)
    try:
        (run,) = await _claimed(outbox, 1)
        assert run.aggregate_id == aggregate
    finally:
        await outbox.close()
        databases.drop(address)


def test_a_database_takes_its_slot_with_it(databases: Databases, log_server: Server) -> None:
    address = databases.create(secrets.token_hex(4))
    prepare_database(address, "log", announces=False)
    with connect(log_server.address) as connection:
        assert connection.execute(SLOTS, (address.database,)).fetchone() == (1,)
        databases.drop(address)
        assert connection.execute(SLOTS, (address.database,)).fetchone() == (0,)


def test_a_server_that_writes_too_little_is_told_what_it_needs(database: DatabaseAddress) -> None:
    with pytest.raises(CannotRun, match="start the server with wal_level=logical"):
        prepare_database(database, "log", announces=False)


async def _open(address: DatabaseAddress, doorbell: Doorbell | None = None) -> LogOutbox:
    return await open_log_outbox(StrategySettings(address), (doorbell or Doorbell()).ring)


async def _claimed(outbox: LogOutbox, messages: int) -> Sequence[Run]:
    """Claim until so many messages have come."""
    runs: dict[UUID, Run] = {}
    async with asyncio.timeout(PATIENCE_S):
        while sum(len(run.messages) for run in runs.values()) < messages:
            try:
                found = await outbox.claim(100)
            except PersistenceError:
                found = []
            runs.update((run.aggregate_id, run) for run in found)
            await asyncio.sleep(0.01)
    return list(runs.values())
