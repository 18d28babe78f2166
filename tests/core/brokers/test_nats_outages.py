"""What a broker does when its NATS server, its client or its stream is not there any more."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import nats
import pytest
from tests.core.brokers.messages import message_of
from tests.core.brokers.nats_streams import connected, connections, ids, publish_at_last
from tests.waiting import until

from outboxbench.core.application.delivery import Unavailable
from outboxbench.core.brokers import nats as nats_module
from outboxbench.core.brokers.nats import STREAM, LoginRefused, NatsBroker
from outboxbench.harness.nats.server import USER, NatsServer

if TYPE_CHECKING:
    from nats.aio.client import Client


async def close_for_good(broker: NatsBroker, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the server end the connection with an error, after which nats-py does not return."""
    assert broker._publisher is not None
    client = broker._publisher.client
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
