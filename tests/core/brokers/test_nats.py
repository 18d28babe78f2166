"""What is published to a real NATS server, what it refuses, and who may connect."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING

import pytest
from tests.core.brokers.messages import message_of
from tests.core.brokers.nats_streams import (
    PATIENCE_S,
    connected,
    connections,
    ids,
    publish_at_last,
    stored,
)
from tests.waiting import until

from outboxbench.core.application.delivery import MessageRefused, Unavailable
from outboxbench.core.brokers.nats import LoginRefused, NatsBroker
from outboxbench.harness.nats import server as server_module
from outboxbench.harness.nats.server import USER, NatsServer

if TYPE_CHECKING:
    from outboxbench.harness.janitor import Janitor


async def test_a_message_is_in_the_stream_with_its_subject_its_headers_and_its_state(
    server: NatsServer,
) -> None:
    message = message_of(version=7, ordinal=2, state='{"sku": "Käse"}')
    async with connected(server) as broker:
        await broker.publish(message)
    (found,) = await stored(server)
    assert found.subject == "outbox.order.placed"
    assert json.loads(found.data or b"") == {"sku": "Käse"}
    assert found.headers == {
        "Nats-Msg-Id": f"{message.op_id}/2",
        "Outbox-Aggregate": f"order/{message.aggregate_id}",
        "Outbox-Version": "7",
    }


async def test_a_message_that_is_delivered_again_is_stored_once(server: NatsServer) -> None:
    first, second = message_of(), message_of()
    for _ in range(2):
        # As well by a relay that has taken over from another.
        async with connected(server) as broker:
            for message in (first, first, second):
                await broker.publish(message)
    assert await ids(server) == [first.id, second.id]


async def test_messages_that_are_published_at_the_same_time_are_all_confirmed(
    server: NatsServer,
) -> None:
    messages = [message_of() for _ in range(500)]
    async with connected(server) as broker:
        await asyncio.gather(*(broker.publish(message) for message in messages))
    found = await ids(server)
    assert len(found) == len(messages)
    assert set(found) == {message.id for message in messages}


async def test_a_message_that_is_too_large_is_refused_and_others_are_not(
    server: NatsServer,
) -> None:
    large, small = message_of(state=json.dumps({"text": "x" * 2**20})), message_of()
    async with connected(server) as broker:
        with pytest.raises(MessageRefused, match="and NATS allows 1,048,576"):
            await broker.publish(large)
        await broker.publish(small)
    assert await ids(server) == [small.id]


async def test_a_message_whose_headers_make_it_too_large_is_refused_and_others_are_not(
    server: NatsServer,
) -> None:
    # The limit holds for headers and payload together.
    state = json.dumps({"text": "x" * (2**20 - 30)})
    large, small = message_of(state=state), message_of()
    assert len(state) < 2**20
    async with connected(server) as broker:
        with pytest.raises(MessageRefused):
            await broker.publish(large)
        await publish_at_last(broker, small)
    assert await ids(server) == [small.id]


@pytest.mark.parametrize("topic", ["order placed", "order..placed", "order.*"])
async def test_a_message_whose_topic_is_no_subject_is_refused_and_others_are_not(
    server: NatsServer, topic: str
) -> None:
    small = message_of()
    async with connected(server) as broker:
        with pytest.raises(MessageRefused):
            await broker.publish(message_of(topic=topic))
        await publish_at_last(broker, small)
    assert await ids(server) == [small.id]


async def test_a_wrong_password_is_told_in_one_sentence_that_does_not_hold_it(
    server: NatsServer,
) -> None:
    async with asyncio.timeout(PATIENCE_S):
        with pytest.raises(LoginRefused) as caught:
            await NatsBroker.connect(server.url, user=USER, password="guessed-by-somebody")
    said = str(caught.value)
    assert said == f"NATS at {server.url} refuses the user name or the password"
    for secret in ("guessed-by-somebody", server.password):
        assert secret not in said
        assert secret not in repr(caught.value.__cause__)


async def test_where_no_server_answers_connecting_is_an_outage(server: NatsServer) -> None:
    url = server.url
    server.stop()
    async with asyncio.timeout(PATIENCE_S):
        with pytest.raises(Unavailable, match=f"^NATS at {url} cannot be used: "):
            await NatsBroker.connect(url, user=USER, password=server.password)


async def test_where_no_streams_are_kept_connecting_is_an_outage_and_leaves_no_connection(
    janitor: Janitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_streams = server_module._CONFIGURATION
    without = "".join(
        line for line in with_streams.splitlines(keepends=True) if "jetstream" not in line
    )
    monkeypatch.setattr(server_module, "_CONFIGURATION", without)
    with NatsServer(janitor) as server:
        async with asyncio.timeout(PATIENCE_S):
            with pytest.raises(Unavailable, match=f"^NATS at {server.url} cannot be used: "):
                await NatsBroker.connect(server.url, user=USER, password=server.password)
            await until(lambda: connections(server) == 0)


async def test_what_is_published_after_the_end_is_an_outage_and_opens_no_connection(
    server: NatsServer,
) -> None:
    async with connected(server) as broker:
        pass
    with pytest.raises(Unavailable, match="the connection to NATS was closed"):
        await broker.publish(message_of())
    async with asyncio.timeout(PATIENCE_S):
        await until(lambda: connections(server) == 0)
