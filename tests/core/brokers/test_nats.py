"""What is published to a real NATS server, and what happens when it is not there."""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import nats
import pytest
from tests.core.brokers.messages import message_of

from outboxbench.core.application.delivery import MessageRefused, Unavailable
from outboxbench.core.brokers.nats import STREAM, NatsBroker
from outboxbench.harness.nats.server import USER, NatsServer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from nats.js.api import RawStreamMsg

    from outboxbench.core.application.outbox import OutboxMessage
    from outboxbench.harness.janitor import Janitor

PATIENCE_S = 60.0


@pytest.fixture
def server(janitor: Janitor) -> Iterator[NatsServer]:
    with NatsServer(janitor) as server:
        yield server


@asynccontextmanager
async def connected(server: NatsServer) -> AsyncIterator[NatsBroker]:
    async with asyncio.timeout(PATIENCE_S):
        broker = await NatsBroker.connect(server.url, user=USER, password=server.password)
        try:
            yield broker
        finally:
            await broker.close()


async def stored(server: NatsServer) -> list[RawStreamMsg]:
    """Read the whole stream through a connection of our own."""
    client = await nats.connect(server.url, user=USER, password=server.password)
    try:
        stream = client.jetstream()
        state = (await stream.stream_info(STREAM)).state
        return [await stream.get_msg(STREAM, 1 + number) for number in range(state.messages)]
    finally:
        await client.close()


async def ids(server: NatsServer) -> list[str]:
    return [message.headers["Nats-Msg-Id"] for message in await stored(server) if message.headers]


async def publish_at_last(broker: NatsBroker, message: OutboxMessage) -> None:
    """Publish as a relay does: an outage is waited out."""
    while True:
        try:
            await broker.publish(message)
        except Unavailable:
            await asyncio.sleep(0.02)
        else:
            return


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


async def test_a_server_that_is_stopped_is_an_outage_that_ends_with_it(
    server: NatsServer,
) -> None:
    before, meanwhile, after = message_of(), message_of(), message_of()
    async with connected(server) as broker:
        await broker.publish(before)
        server.stop()
        for _ in range(3):
            with pytest.raises(Unavailable, match="NATS did not confirm"):
                await broker.publish(meanwhile)
        server.start()
        await publish_at_last(broker, after)
        await broker.publish(before)
    # What was published in vain is not sent behind the publisher's back either.
    assert await ids(server) == [before.id, after.id]


async def test_what_was_on_its_way_when_the_server_died_is_unconfirmed_and_can_come_again(
    server: NatsServer,
) -> None:
    messages = [message_of() for _ in range(200)]
    async with connected(server) as broker:
        publishing = [asyncio.create_task(broker.publish(each)) for each in messages]
        await asyncio.wait(publishing, return_when=asyncio.FIRST_COMPLETED)
        server.stop()
        answers = await asyncio.gather(*publishing, return_exceptions=True)
        assert {type(answer) for answer in answers} <= {type(None), Unavailable}
        server.start()
        confirmed = {each.id for each, answer in zip(messages, answers, strict=True) if not answer}
        await publish_at_last(broker, messages[0])
        assert confirmed <= set(await ids(server))
        for message in messages:
            await publish_at_last(broker, message)
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


async def test_a_wrong_password_is_an_outage_told_in_one_sentence_that_does_not_hold_it(
    server: NatsServer,
) -> None:
    async with asyncio.timeout(PATIENCE_S):
        with pytest.raises(Unavailable) as caught:
            await NatsBroker.connect(server.url, user=USER, password="guessed-by-somebody")
    said = str(caught.value)
    assert said.startswith(f"NATS at {server.url} cannot be used: ")
    assert "authorization violation" in said.lower()
    assert "\n" not in said
    for secret in ("guessed-by-somebody", server.password):
        assert secret not in said
        assert secret not in repr(caught.value.__cause__)


async def test_where_no_server_answers_connecting_is_an_outage(server: NatsServer) -> None:
    url = server.url
    server.stop()
    async with asyncio.timeout(PATIENCE_S):
        with pytest.raises(Unavailable, match=f"^NATS at {url} cannot be used: "):
            await NatsBroker.connect(url, user=USER, password=server.password)
