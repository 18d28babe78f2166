"""Each message is told what a real stream says to it, and to no other."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import TYPE_CHECKING

import nats
import pytest
from nats.errors import TimeoutError as NatsTimeoutError
from nats.js.api import Header
from nats.js.errors import APIError, NoStreamResponseError

from outboxbench.core.brokers.nats_confirmations import ConfirmingPublisher
from outboxbench.harness.nats.server import USER, NatsServer
from outboxbench.harness.postgres.process_tree import freeze_tree, thaw_tree

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

LONG_S = 60.0


@asynccontextmanager
async def publishing(server: NatsServer, limit_s: float) -> AsyncIterator[ConfirmingPublisher]:
    client = await nats.connect(server.url, user=USER, password=server.password)
    try:
        await client.jetstream().add_stream(name="KEPT", subjects=["kept.>"])
        yield await ConfirmingPublisher.open(client, limit_s)
    finally:
        await client.close()


@contextmanager
def standing_still(server: NatsServer) -> Iterator[None]:
    assert freeze_tree(server.pid) == (server.pid,)
    try:
        yield
    finally:
        thaw_tree(server.pid)


async def at_last(publisher: ConfirmingPublisher, subject: str, headers: dict[str, str]) -> None:
    """Publish, however often that takes longer than its limit on a busy machine."""
    while True:
        with suppress(NatsTimeoutError):
            return await publisher.publish(subject, b"{}", headers)


async def kept(publisher: ConfirmingPublisher) -> int:
    info = await publisher.client.jetstream().stream_info("KEPT")
    return int(info.state.messages)


async def test_of_many_at_a_time_each_is_told_what_became_of_it(server: NatsServer) -> None:
    async def publish(number: int) -> None:
        match number % 3:
            case 0:
                await publisher.publish("kept.well", b"{}", {})
            case 1:
                await publisher.publish("kept.not", b"{}", {Header.EXPECTED_STREAM: "OTHER"})
            case _:
                await publisher.publish("nobody.listens", b"{}", {})

    async with publishing(server, LONG_S) as publisher:
        told = await asyncio.gather(*map(publish, range(300)), return_exceptions=True)
        assert await kept(publisher) == 100
    expected = [type(None), APIError, NoStreamResponseError]
    for number, answer in enumerate(told):
        assert isinstance(answer, expected[number % 3])


async def test_what_is_not_confirmed_in_time_is_given_up_and_its_late_answer_is_for_nobody_else(
    server: NatsServer,
) -> None:
    async with publishing(server, 0.2) as publisher:
        with standing_still(server), pytest.raises(NatsTimeoutError):
            await publisher.publish("kept.late", b"{}", {})
        # Answered behind the other, and refused: the other's answer would have been a good one.
        with pytest.raises(APIError):
            await at_last(publisher, "kept.not", {Header.EXPECTED_STREAM: "OTHER"})
        assert await kept(publisher) == 1


async def test_who_gives_up_by_himself_leaves_nothing_that_is_awaited(server: NatsServer) -> None:
    async with publishing(server, LONG_S) as publisher:
        with standing_still(server):
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.05):
                    await publisher.publish("kept.late", b"{}", {})
            assert not publisher._awaited
