"""A NATS server of our own, and what is seen of it past the broker."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import nats
import psutil

from outboxbench.core.application.delivery import Unavailable
from outboxbench.core.brokers.nats import STREAM, NatsBroker
from outboxbench.harness.nats.server import USER, NatsServer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from nats.js.api import RawStreamMsg

    from outboxbench.core.application.outbox import OutboxMessage

PATIENCE_S = 60.0


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


def connections(server: NatsServer) -> int:
    port = int(server.url.rpartition(":")[2])
    return sum(
        each.status == psutil.CONN_ESTABLISHED and each.laddr.port == port
        for each in psutil.Process(server.pid).net_connections("tcp")
    )
