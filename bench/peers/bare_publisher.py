"""A bare nats-py client publishing what an outbox holds, in a process of its own.

Its job comes as a line of JSON on standard input, since it holds passwords. It reads and encodes
every message, connects and makes the stream, says that it is ready, and begins at the next line.
"""

from __future__ import annotations

import asyncio
import json
import sys
from time import monotonic, process_time
from typing import TYPE_CHECKING, Any, NamedTuple

import asyncpg
import uvloop
from nats.aio.client import Client
from nats.js.api import StreamConfig

from outboxbench.core.brokers.nats import DUPLICATE_WINDOW_S, STREAM, SUBJECT_PREFIX
from outboxbench.harness.child_answers import say

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nats.js import JetStreamContext
    from nats.js.api import PubAck


class Message(NamedTuple):
    """What is to be published, with as little as possible left to do for it."""

    subject: str
    payload: bytes
    id: str


async def publish(stream: JetStreamContext, messages: list[Message], window: int) -> list[PubAck]:
    """As many coroutines as messages may be unconfirmed, each of which waits for its own.

    They share what is left to publish: cheaper than a task and a semaphore for each message.
    """
    acknowledged: list[PubAck] = []
    left = iter(messages)

    async def publish_from(left: Iterator[Message]) -> None:
        for message in left:
            headers = {"Nats-Msg-Id": message.id}
            acknowledged.append(
                await stream.publish(message.subject, message.payload, headers=headers)
            )

    await asyncio.gather(*(publish_from(left) for _ in range(window)))
    return acknowledged


async def publish_async(stream: JetStreamContext, messages: list[Message]) -> list[PubAck]:
    """One coroutine that publishes on until the library has the window's number unconfirmed."""
    futures = [
        await stream.publish_async(
            message.subject, message.payload, headers={"Nats-Msg-Id": message.id}
        )
        for message in messages
    ]
    return [await future for future in futures]


async def read_outbox(address: dict[str, Any]) -> list[Message]:
    connection = await asyncpg.connect(**address)
    try:
        rows = await connection.fetch(
            "SELECT op_id, ordinal, topic, state FROM outbox ORDER BY version, aggregate_id"
        )
    finally:
        await connection.close()
    return [
        Message(f"{SUBJECT_PREFIX}{topic}", state.encode(), f"{op_id}/{ordinal}")
        for op_id, ordinal, topic, state in rows
    ]


async def work(job: dict[str, Any]) -> None:
    messages = await read_outbox(job["address"])
    client = Client()
    broker = job["broker"]
    await client.connect(broker["url"], user=broker["user"], password=broker["password"])
    stream = client.jetstream(publish_async_max_pending=job["tasks"])
    await stream.add_stream(
        StreamConfig(
            name=STREAM, subjects=[f"{SUBJECT_PREFIX}>"], duplicate_window=DUPLICATE_WINDOW_S
        )
    )
    say("ready")
    await asyncio.to_thread(sys.stdin.readline)
    began_s, cpu_s = monotonic(), process_time()
    if job["detail"] == "publish":
        acknowledged = await publish(stream, messages, job["tasks"])
    else:
        acknowledged = await publish_async(stream, messages)
    took_s, cpu_s = monotonic() - began_s, process_time() - cpu_s
    await client.close()
    handled = len({ack.seq for ack in acknowledged if not ack.duplicate})
    left = job["messages"] - handled
    say("result", took_s=took_s, cpu_s=cpu_s, handled=handled, left=left)


if __name__ == "__main__":
    uvloop.run(work(json.loads(sys.stdin.readline())))
