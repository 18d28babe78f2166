"""What is published to a real NATS server, and what happens when it is not there."""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import nats
import psutil
import pytest
from tests.core.brokers.messages import message_of
from tests.waiting import until

from outboxbench.core.application.delivery import MessageRefused, Unavailable
from outboxbench.core.brokers import nats as nats_module
from outboxbench.core.brokers.nats import STREAM, LoginRefused, NatsBroker
from outboxbench.harness.nats import server as server_module
from outboxbench.harness.nats.server import USER, NatsServer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from nats.aio.client import Client
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


async def close_for_good(broker: NatsBroker, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the server end the connection with an error, after which nats-py does not return."""
    client = broker._client
    assert client is not None
    with monkeypatch.context() as patch:
        patch.setattr(nats_module, "_require_publishable", lambda *_: None)
        # nats-py sees that the payload is allowed, and forgets that the headers count as well.
        publishing = asyncio.create_task(broker.publish(message_of(state="x" * 2**20)))
        await until(lambda: client.is_closed)
    publishing.cancel()
    await asyncio.wait((publishing,))


async def delete_stream(server: NatsServer) -> None:
    client = await nats.connect(server.url, user=USER, password=server.password)
    try:
        assert await client.jetstream().delete_stream(STREAM)
    finally:
        await client.close()


def connections(server: NatsServer) -> int:
    port = int(server.url.rpartition(":")[2])
    return sum(
        each.status == psutil.CONN_ESTABLISHED and each.laddr.port == port
        for each in psutil.Process(server.pid).net_connections("tcp")
    )


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


async def test_a_client_that_is_closed_for_good_is_replaced_by_a_single_one_for_all_who_publish(
    server: NatsServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, after = message_of(), [message_of() for _ in range(50)]
    made: list[str] = []
    make = nats_module._connected

    async def noted(*arguments: Any, **options: Any) -> Client:
        made.append("client")
        return await make(*arguments, **options)

    monkeypatch.setattr(nats_module, "_connected", noted)
    async with connected(server) as broker:
        await broker.publish(before)
        await close_for_good(broker, monkeypatch)
        made.clear()
        await asyncio.gather(*(broker.publish(message) for message in after))
        # One that finds out whether there is a server, and the one that is kept.
        assert len(made) == 2
        await until(lambda: connections(server) == 1)
    found = await ids(server)
    assert len(found) == 1 + len(after)
    assert set(found) == {before.id} | {message.id for message in after}


async def test_a_client_that_cannot_be_replaced_yet_is_an_outage_until_it_can(
    server: NatsServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    message = message_of()
    async with connected(server) as broker:
        await close_for_good(broker, monkeypatch)
        server.stop()
        for _ in range(3):
            answers = await asyncio.gather(
                *(broker.publish(message) for _ in range(20)), return_exceptions=True
            )
            assert {type(answer) for answer in answers} == {Unavailable}
            assert str(answers[0]).startswith(f"NATS at {server.url} cannot be used: ")
        server.start()
        await publish_at_last(broker, message)
    assert await ids(server) == [message.id]


async def test_a_password_that_the_server_does_not_take_any_more_is_an_outage_until_it_does(
    server: NatsServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    message, password = message_of(), server.password
    async with connected(server) as broker:
        await close_for_good(broker, monkeypatch)
        for current in ("another-one", password):
            server.stop()
            server.password = current
            server.start()
            if current != password:
                with pytest.raises(LoginRefused):
                    await broker.publish(message)
        await publish_at_last(broker, message)
    assert await ids(server) == [message.id]


async def test_who_gives_up_while_the_client_is_replaced_takes_nothing_away_from_others(
    server: NatsServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    given_up, message = message_of(), message_of()
    async with connected(server) as broker:
        await close_for_good(broker, monkeypatch)
        publishing = [asyncio.create_task(broker.publish(each)) for each in (given_up, message)]
        await asyncio.sleep(0)
        publishing[0].cancel()
        await publishing[1]
        assert publishing[0].cancelled()
    assert await ids(server) == [message.id]


async def test_a_stream_that_was_deleted_is_made_anew_for_all_who_publish(
    server: NatsServer,
) -> None:
    before, after = message_of(), [message_of() for _ in range(50)]
    async with connected(server) as broker:
        await broker.publish(before)
        await delete_stream(server)
        with pytest.raises(Unavailable, match="NATS has no stream OUTBOX: it is made anew"):
            await broker.publish(after[0])
        await asyncio.gather(*(broker.publish(message) for message in after))
        await until(lambda: connections(server) == 1)
    found = await ids(server)
    assert len(found) == len(after)
    assert set(found) == {message.id for message in after}


async def test_what_is_published_after_the_end_is_an_outage_and_opens_no_connection(
    server: NatsServer,
) -> None:
    async with connected(server) as broker:
        pass
    with pytest.raises(Unavailable, match="the connection to NATS was closed"):
        await broker.publish(message_of())
    async with asyncio.timeout(PATIENCE_S):
        await until(lambda: connections(server) == 0)
