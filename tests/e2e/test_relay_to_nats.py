"""The relay as a process with a NATS server behind it: killed, cut off, and not let in."""

from __future__ import annotations

import asyncio
import os
import signal
from typing import TYPE_CHECKING, NamedTuple, get_args

import nats
import pytest
from tests.e2e.relays import ORDER_TOPICS, WAITS_AT_THE_BARRIER
from tests.slow import one_is_quick

from outboxbench.core.application.outbox import RelayPlan
from outboxbench.core.brokers.nats import STREAM, SUBJECT_PREFIX
from outboxbench.harness.nats.server import USER, NatsServer
from outboxbench.harness.postgres.place import FOLDER_VARIABLE
from outboxbench.harness.relay_database import prepare_database

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from uuid import UUID

    from tests.e2e.conftest import World
    from tests.e2e.relays import RelayRun, Relays, Shop

    from outboxbench.core.strategies.settings import DatabaseAddress
    from outboxbench.harness.janitor import Janitor

PLANS = one_is_quick(get_args(RelayPlan))
MESSAGES_OF_AN_ORDER = 1 + len(ORDER_TOPICS)
"""For the outside: that its account was opened, and its own."""


class Stored(NamedTuple):
    """A message as the stream holds it."""

    id: str
    aggregate_id: str
    topic: str


@pytest.fixture
def server(world: World, janitor: Janitor, monkeypatch: pytest.MonkeyPatch) -> Iterator[NatsServer]:
    """A server that the relay knows how to log in to; it lives where the test's relays do."""
    with monkeypatch.context() as patch:
        patch.setenv(FOLDER_VARIABLE, str(world.temporary))
        server = NatsServer(janitor)
    world.environment |= {"NATS_USER": USER, "NATS_PASSWORD": server.password}
    with server:
        yield server


def stored_in(server: NatsServer) -> list[Stored]:
    """Read the whole stream."""

    async def read() -> list[Stored]:
        client = await nats.connect(server.url, user=USER, password=server.password)
        try:
            stream = client.jetstream()
            count = (await stream.stream_info(STREAM)).state.messages
            messages = [await stream.get_msg(STREAM, 1 + number) for number in range(count)]
        finally:
            await client.close()
        found = []
        for message in messages:
            headers = message.headers or {}
            aggregate_id = headers["Outbox-Aggregate"].partition("/")[2]
            topic = (message.subject or "").removeprefix(SUBJECT_PREFIX)
            found.append(Stored(headers["Nats-Msg-Id"], aggregate_id, topic))
        return found

    return asyncio.run(read())


def require_each_once_and_in_order(stored: Sequence[Stored], orders: Sequence[UUID]) -> None:
    assert len(stored) == len({each.id for each in stored}) == MESSAGES_OF_AN_ORDER * len(orders)
    for order_id in orders:
        topics = [each.topic for each in stored if each.aggregate_id == str(order_id)]
        assert topics == ORDER_TOPICS


def stop(relay: RelayRun) -> str:
    """Ask a relay to end, and return what it says about all that it has done."""
    relay.process.terminate()
    relay.end()
    assert relay.process.returncode == 0
    assert not any("Traceback" in line for line in relay.said)
    return relay.said[-1]


@pytest.mark.parametrize("plan", PLANS)
def test_orders_are_in_the_stream_once_though_a_relay_is_killed_before_it_could_settle_them(
    plan: RelayPlan,
    server: NatsServer,
    relays: Relays,
    shop: Shop,
    wait_for: Callable[[Callable[[], bool]], bool],
) -> None:
    prepare_database(shop.address, plan, announces=True)
    orders = shop.place(3)
    shop.raise_barrier()
    before = shop.undelivered()
    killed = relays.start("--plan", plan, "--broker", server.url)
    assert wait_for(lambda: bool(shop.pids(WAITS_AT_THE_BARRIER)))
    killed.process.kill()
    killed.end()
    # The server would finish what the relay has asked for, and not notice that nobody listens.
    shop.end_backends(shop.pids(WAITS_AT_THE_BARRIER))
    shop.lift_barrier()
    published = stored_in(server)
    assert published
    # Handlers may have added messages; none was settled, so that all are delivered again.
    assert shop.undelivered() >= before

    following = relays.start("--plan", plan, "--broker", server.url)
    assert wait_for(lambda: shop.undelivered() == 0)
    assert " 0 refused, 0 of them dead" in stop(following)
    stored = stored_in(server)
    assert stored[: len(published)] == published
    require_each_once_and_in_order(stored, orders)


@pytest.mark.parametrize("number", [signal.SIGSTOP, signal.SIGKILL])
def test_a_server_that_is_away_for_a_while_costs_no_attempt_and_loses_nothing(
    number: signal.Signals,
    server: NatsServer,
    relays: Relays,
    shop: Shop,
    wait_for: Callable[[Callable[[], bool]], bool],
) -> None:
    prepare_database(shop.address, "lease", announces=True)
    relay = relays.start("--broker", server.url)
    orders = shop.place(1)
    assert wait_for(lambda: shop.undelivered() == 0)
    if number == signal.SIGSTOP:
        os.kill(server.pid, signal.SIGSTOP)
    else:
        server.stop(number)
    orders += shop.place(3)
    assert wait_for(lambda: any("for the 2. time in a row" in line for line in relay.said))
    assert shop.undelivered() > 0
    assert shop.count("SELECT count(*) FROM relay_refusals") == 0
    if number == signal.SIGSTOP:
        os.kill(server.pid, signal.SIGCONT)
    else:
        server.start()
    assert wait_for(lambda: shop.undelivered() == 0)
    assert " 0 refused, 0 of them dead" in stop(relay)
    assert shop.count("SELECT count(*) FROM relay_refusals") == 0
    require_each_once_and_in_order(stored_in(server), orders)


@pytest.mark.parametrize("given", ["in the environment", "in the address", "nowhere"])
def test_a_login_that_the_server_refuses_is_answered_in_a_sentence_without_the_password(
    given: str,
    world: World,
    server: NatsServer,
    database: DatabaseAddress,
    dsn_of: Callable[[DatabaseAddress], str],
) -> None:
    world.environment["OUTBOXBENCH_DSN"] = dsn_of(database)
    url = server.url
    if given == "in the environment":
        world.environment["NATS_PASSWORD"] = "guessed-by-somebody"
    else:
        del world.environment["NATS_USER"], world.environment["NATS_PASSWORD"]
    if given == "in the address":
        url = url.replace("nats://", f"nats://{USER}:guessed-by-somebody@")
    result = world.call("relay", "run", "--broker", url)
    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr == (
        f"outboxbench: NATS at {server.url} refuses the user name or the password: "
        "set NATS_USER and NATS_PASSWORD in the environment\n"
    )
    for secret in ("guessed-by-somebody", server.password):
        assert secret not in result.stderr


@pytest.mark.parametrize(
    "broker",
    ["rabbit://me:guessed-by-somebody@broker", "nats://me:guessed-by-somebody/1@broker:4222"],
)
def test_an_address_that_is_none_is_answered_without_the_password_in_it(
    broker: str,
    world: World,
    database: DatabaseAddress,
    dsn_of: Callable[[DatabaseAddress], str],
) -> None:
    result = world.call("relay", "run", "--dsn", dsn_of(database), "--broker", broker)
    assert result.returncode == 2
    assert "there is no broker 'broker" in result.stderr
    assert "write nats://host:port, or - for lines" in result.stderr
    assert "guessed" not in result.stderr + result.stdout
