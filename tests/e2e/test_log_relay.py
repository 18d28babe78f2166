"""The relay as a process that reads the log: killed, replaced, and fed what nobody takes."""

from __future__ import annotations

import json
import secrets
from typing import TYPE_CHECKING

import pytest
from tests.e2e.relays import RelayRun, Shop

from outboxbench.core.domain.ordering import OrderLine
from outboxbench.harness.relay_database import prepare_database

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.e2e.conftest import World

    from outboxbench.harness.postgres.databases import Databases

ORDER_TOPICS = ["order.placed", "order.stock_requested", "order.confirmed"]

# Too much for a pipe: whoever writes it waits until somebody reads.
LARGE_ORDER = [OrderLine(number, "x" * 1_000, 1, 1) for number in range(1, 201)]


@pytest.fixture
def shop(logical_databases: Databases) -> Iterator[Shop]:
    address = logical_databases.create(secrets.token_hex(4))
    prepare_database(address, "log", announces=False)
    shop = Shop(address)
    yield shop
    shop.connection.close()
    logical_databases.drop(address)


@pytest.fixture
def start(world: World, shop: Shop, dsn_of: Callable[..., str]) -> Iterator[Callable[[], RelayRun]]:
    world.environment["OUTBOXBENCH_DSN"] = dsn_of(shop.address)
    runs: list[RelayRun] = []

    def start() -> RelayRun:
        runs.append(RelayRun(world.start("relay", "run", "--plan", "log", "--lease", "2")))
        return runs[-1]

    yield start
    for run in runs:
        if run.process.poll() is None:
            run.process.kill()
        run.end()
        for stream in (run.process.stdout, run.process.stderr):
            assert stream is not None
            stream.close()


def test_a_relay_killed_between_delivery_and_settlement_leaves_the_messages_to_the_next(
    start: Callable[[], RelayRun], shop: Shop, wait_for: Callable[[Callable[[], bool]], bool]
) -> None:
    killed = start()
    killed.stop_reading()
    (order_id,) = shop.place(1, LARGE_ORDER)
    # The order is charged; what follows it in the same run cannot be written.
    assert wait_for(lambda: shop.count("SELECT count(*) FROM inbox") == 1)
    killed.process.kill()
    killed.end()

    following = start()

    def of_order() -> list[str]:
        return [
            each["topic"] for each in following.received if each["aggregate_id"] == str(order_id)
        ]

    assert wait_for(lambda: len(of_order()) == len(ORDER_TOPICS))
    following.process.terminate()
    following.end()
    assert following.process.returncode == 0
    assert of_order() == ORDER_TOPICS
    assert shop.count("SELECT count(*) FROM accounts WHERE balance_cents = 0") == 1


def test_a_relay_that_waits_for_the_log_takes_over_when_its_reader_is_killed(
    start: Callable[[], RelayRun], shop: Shop, wait_for: Callable[[Callable[[], bool]], bool]
) -> None:
    first = start()
    is_read = "SELECT count(*) FROM pg_replication_slots WHERE active"
    assert wait_for(lambda: shop.count(is_read) == 1)
    second = start()
    assert wait_for(lambda: any("is active" in line for line in second.said))
    shop.place(1)
    assert wait_for(lambda: len(first.received) == 4)
    assert second.received == []
    first.process.kill()
    shop.place(1)
    assert wait_for(lambda: "order.confirmed" in {each["topic"] for each in second.received})
    second.process.terminate()
    second.end()
    assert not any("Traceback" in line for line in second.said)


@pytest.mark.slow
def test_what_is_refused_is_shown_and_redriven_from_another_process(
    world: World,
    start: Callable[[], RelayRun],
    shop: Shop,
    wait_for: Callable[[Callable[[], bool]], bool],
) -> None:
    relay = start()
    poisoned = "7f7c0a9e-52f1-4d7c-9a3e-0b8d0f2f4c11"
    shop.connection.execute(
        "INSERT INTO outbox (op_id, ordinal, aggregate_type, aggregate_id, version, topic,"
        " audience, state) VALUES (gen_random_uuid(), 0, 'order', %s, 1, 'no.topic', 1, '{}')",
        (poisoned,),
    )
    shop.place(1)
    assert wait_for(lambda: len(relay.received) == 4)
    assert wait_for(lambda: shop.count("SELECT count(*) FROM relay_refusals") == 1)
    status = json.loads(world.call("relay", "status", "--json").stdout)
    assert (status["undelivered"], status["held"]) == (1, 1)
    assert status["retained_wal_bytes"] >= 0
    shown = world.call("relay", "status").stdout
    assert poisoned[:8] in shown
    assert "MB of its log" in shown

    shop.connection.execute("UPDATE relay_parked SET audience = 2")
    assert world.call("relay", "redrive", "--aggregate", poisoned).returncode == 0
    assert wait_for(lambda: poisoned in {each["aggregate_id"] for each in relay.received})
    assert wait_for(lambda: shop.count("SELECT count(*) FROM relay_parked") == 0)
