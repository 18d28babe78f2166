"""How a connection ends on one side is how it ends on the other."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from functools import partial
from typing import TYPE_CHECKING

import pytest
from tests.harness.wire.pairs import PATIENCE_S, Pair, is_at_end, joined, receive, send
from tests.harness.wire.streams import READY, STARTUP, typed

from outboxbench.harness.wire.commit_cut import CommitCuts
from outboxbench.harness.wire.delay_line import DelayLine
from outboxbench.harness.wire.faulty_link import Conditions, FaultyLink
from outboxbench.harness.wire.forwarder import forward
from outboxbench.harness.wire.relay import CHUNK_BYTES, reset
from outboxbench.harness.wire.relays import Relays
from outboxbench.harness.wire.shaping import Bandwidth, Latency

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable

    from outboxbench.harness.wire.protocol import Message
    from outboxbench.harness.wire.relay import Direction
    from outboxbench.harness.wire.shaping import Shaper

RTT_MS = 20.0
FLOOD_BYTES = 64_000_000
FLOOD_PART_BYTES = 64_000
POLL_S = 0.05
POLLS = 10

QUERY = typed("Q", b"SELECT 1\0")

SHAPERS: dict[str, list[Shaper]] = {
    "faulty": [],
    "far": [Latency(RTT_MS, RTT_MS, 1)],
    "narrow": [Bandwidth(1_000_000_000)],
}


async def link(conditions: Conditions, client: socket.socket, server: socket.socket) -> None:
    faulty = FaultyLink(1, client, server, conditions)
    faulty.resume()
    await faulty.run()


@pytest.fixture(params=["relayed", "forwarded", "delayed", "faulty", "far", "narrow"])
async def pair(request: pytest.FixtureRequest) -> AsyncIterator[Pair]:
    """All that joins two sockets treats their ends alike."""
    if request.param == "relayed":
        async with joined(Relays().join) as pair:
            yield pair
        return
    if request.param in SHAPERS:
        conditions = Conditions(CommitCuts())
        conditions.shapers.extend(SHAPERS[request.param])
        async with joined(partial(link, conditions)) as pair:
            yield pair
        return
    rtt_ms = RTT_MS if request.param == "delayed" else 0.0
    with DelayLine(rtt_ms) as line:
        async with joined(partial(forward, line)) as pair:
            yield pair


async def test_a_client_that_has_said_everything_still_hears_the_answer(pair: Pair) -> None:
    await send(pair.client, STARTUP + QUERY)
    pair.client.shutdown(socket.SHUT_WR)
    assert await receive(pair.server, len(STARTUP + QUERY)) == STARTUP + QUERY
    assert await is_at_end(pair.server)

    await send(pair.server, READY)
    pair.server.close()

    assert await receive(pair.client, len(READY)) == READY
    assert await is_at_end(pair.client)


async def test_a_server_that_has_said_everything_still_hears_the_client(pair: Pair) -> None:
    await send(pair.server, READY)
    pair.server.shutdown(socket.SHUT_WR)
    assert await receive(pair.client, len(READY)) == READY
    assert await is_at_end(pair.client)

    await send(pair.client, STARTUP)
    pair.client.close()

    assert await receive(pair.server, len(STARTUP)) == STARTUP
    assert await is_at_end(pair.server)


async def test_bytes_that_never_became_a_message_arrive_before_the_end(pair: Pair) -> None:
    await send(pair.client, STARTUP + QUERY[:3])
    pair.client.shutdown(socket.SHUT_WR)

    assert await receive(pair.server, len(STARTUP) + 3) == STARTUP + QUERY[:3]
    assert await is_at_end(pair.server)


async def test_what_is_no_such_protocol_passes_as_well(pair: Pair) -> None:
    stream = b"GET / HTTP/1.1\r\n\r\n"
    await send(pair.client, stream)

    assert await receive(pair.server, len(stream)) == stream


async def test_a_reset_of_the_client_reaches_the_server(pair: Pair) -> None:
    await send(pair.client, STARTUP)
    await receive(pair.server, len(STARTUP))

    reset(pair.client)

    with pytest.raises(ConnectionResetError):
        await is_at_end(pair.server)


async def test_a_reset_of_the_server_reaches_the_client_after_its_last_word(pair: Pair) -> None:
    await send(pair.server, READY)
    assert await receive(pair.client, len(READY)) == READY

    reset(pair.server)

    with pytest.raises(ConnectionResetError):
        await is_at_end(pair.client)


async def test_a_server_that_leaves_with_something_unread_ends_the_client_too(pair: Pair) -> None:
    # As a backend does that is terminated while a query is on its way: the last word and the reset
    # that follows from what was never read come as one.
    await send(pair.client, STARTUP)
    await receive(pair.server, len(STARTUP))
    for _ in range(20):
        await send(pair.client, QUERY)
    await asyncio.sleep(POLL_S)
    await send(pair.server, READY)
    pair.server.close()

    with contextlib.suppress(ConnectionResetError):
        assert await receive(pair.client, len(READY)) == READY
        assert await is_at_end(pair.client)


async def test_a_client_that_writes_to_a_server_that_is_gone_hears_its_last_word(
    pair: Pair,
) -> None:
    await send(pair.server, READY)
    pair.server.close()
    # The first is answered with a reset by the machine of the server, which reaches the client.
    with contextlib.suppress(ConnectionError):
        while True:
            await send(pair.client, STARTUP)
            await asyncio.sleep(POLL_S)

    assert await receive(pair.client, len(READY)) == READY
    with contextlib.suppress(ConnectionError):
        assert await is_at_end(pair.client)


async def test_a_reader_who_does_not_read_is_waited_for(pair: Pair) -> None:
    sent = 0

    async def write() -> None:
        nonlocal sent
        while sent < FLOOD_BYTES:
            await send(pair.server, bytes(FLOOD_PART_BYTES))
            sent += FLOOD_PART_BYTES

    flood = asyncio.create_task(write())
    received = 0
    with contextlib.closing(pair.client):
        for _ in range(POLLS):
            await asyncio.sleep(POLL_S)
        # All that is on its way fits the buffers of four sockets and what the proxy may hold.
        assert sent < FLOOD_BYTES // 2
        while received < FLOOD_BYTES:
            received += len(await asyncio.get_running_loop().sock_recv(pair.client, CHUNK_BYTES))
    await flood


@pytest.mark.parametrize("rtt_ms", [None, 0.0, RTT_MS])
async def test_a_proxy_that_is_stopped_leaves_no_connection(rtt_ms: float | None) -> None:
    with DelayLine(rtt_ms or 0.0) as line:
        join = Relays().join if rtt_ms is None else partial(forward, line)
        async with joined(join) as pair:
            client, server = pair.client.dup(), pair.server.dup()
    with client, server:
        for each in (client, server):
            each.settimeout(PATIENCE_S)
            with contextlib.suppress(ConnectionResetError):
                assert each.recv(1) == b""


async def test_a_gate_holds_a_message_back_and_not_what_came_before() -> None:
    opened = asyncio.Event()
    seen: list[tuple[Direction, str]] = []

    async def until_opened() -> None:
        await opened.wait()

    def hold_sync(direction: Direction, message: Message) -> Awaitable[None] | None:
        seen.append((direction, message.name))
        return until_opened() if message.name == "Sync" else None

    request = STARTUP + typed("B", bytes(100)) + typed("E", bytes(5))
    async with joined(Relays(gate=hold_sync).join) as pair:
        await send(pair.client, request + typed("S") + QUERY)
        assert await receive(pair.server, len(request)) == request
        with pytest.raises(BlockingIOError):
            pair.server.recv(1)
        await send(pair.server, READY)
        assert await receive(pair.client, len(READY)) == READY

        opened.set()

        assert await receive(pair.server, len(typed("S") + QUERY)) == typed("S") + QUERY
    assert seen == [
        ("frontend", "StartupMessage"),
        ("frontend", "Bind"),
        ("frontend", "Execute"),
        ("frontend", "Sync"),
        ("backend", "ReadyForQuery"),
        ("frontend", "Query"),
    ]
