"""What passes the delay arrives whole, in order, late enough, and all of it at the same pace."""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import socket
from functools import partial
from time import monotonic_ns
from typing import TYPE_CHECKING, Any

import pytest
import uvloop
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.harness.wire.pairs import Pair, is_at_end, joined, receive, send

from outboxbench.harness.wire.delay_line import DelayLine
from outboxbench.harness.wire.forwarder import MOST_HELD_BYTES, forward
from outboxbench.harness.wire.relay import reset

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine

# An order of magnitude above what a busy machine keeps a process waiting.
RTT_MS = 100.0
HALF_NS = 50_000_000
SHORT_RTT_MS = 1.0
LARGE_BYTES = 3 * MOST_HELD_BYTES
CHUNKS = 20


@contextlib.asynccontextmanager
async def through(rtt_ms: float) -> AsyncIterator[Pair]:
    with DelayLine(rtt_ms) as line:
        async with joined(partial(forward, line)) as pair:
            yield pair


def run(work: Callable[[], Coroutine[None, None, None]]) -> None:
    """Run as the process of the proxy does."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(work())


@pytest.mark.parametrize("rtt_ms", [0.0, SHORT_RTT_MS])
@given(chunks=st.lists(st.binary(min_size=1, max_size=300), max_size=30), seed=st.integers())
@settings(max_examples=15, deadline=None)
def test_bytes_arrive_unchanged_and_in_order(rtt_ms: float, chunks: list[bytes], seed: int) -> None:
    choose = random.Random(seed)

    async def write(connection_send: Callable[[bytes], Awaitable[None]]) -> None:
        for chunk in chunks:
            await connection_send(chunk)
            await asyncio.sleep(choose.choice((0, 0, 0.0002)))

    async def work() -> None:
        async with through(rtt_ms) as pair:
            whole = b"".join(chunks)
            _, _, forth, back = await asyncio.gather(
                write(partial(send, pair.client)),
                write(partial(send, pair.server)),
                receive(pair.server, len(whole)),
                receive(pair.client, len(whole)),
            )
            assert forth == back == whole

    run(work)


@pytest.mark.parametrize("rtt_ms", [0.0, SHORT_RTT_MS])
def test_more_than_may_be_held_arrives_whole(rtt_ms: float) -> None:
    async def work() -> None:
        data = os.urandom(LARGE_BYTES)
        async with through(rtt_ms) as pair:

            async def write() -> None:
                await send(pair.client, data)
                pair.client.shutdown(socket.SHUT_WR)

            writing = asyncio.create_task(write())
            # The first bytes meet a reader who does not read yet.
            await asyncio.sleep(0.05)
            assert await receive(pair.server, len(data)) == data
            assert await is_at_end(pair.server)
            await writing

    run(work)


async def test_nothing_arrives_before_its_time_in_either_direction() -> None:
    async with through(RTT_MS) as pair:
        for source, sink in ((pair.client, pair.server), (pair.server, pair.client)):
            sent_ns = monotonic_ns()
            await send(source, b"x")
            assert await receive(sink, 1) == b"x"
            assert monotonic_ns() - sent_ns >= HALF_NS


@pytest.mark.parametrize("rtt_ms", [0.2, 0.5, 2.0])
def test_no_round_trip_of_many_is_shorter_than_asked(rtt_ms: float) -> None:
    async def work() -> None:
        async with through(rtt_ms) as pair:
            for _ in range(200):
                sent_ns = monotonic_ns()
                await send(pair.client, b"x")
                await receive(pair.server, 1)
                await send(pair.server, b"y")
                await receive(pair.client, 1)
                assert monotonic_ns() - sent_ns >= rtt_ms * 1_000_000

    run(work)


async def test_chunks_under_way_overlap() -> None:
    async with through(RTT_MS) as pair:
        began_ns = monotonic_ns()
        for number in range(CHUNKS):
            await send(pair.client, bytes([number]))
            # The proxy reads each by itself.
            await asyncio.sleep(0)
        assert await receive(pair.server, CHUNKS) == bytes(range(CHUNKS))
        assert HALF_NS <= monotonic_ns() - began_ns < CHUNKS * HALF_NS


async def test_connections_do_not_wait_for_each_other() -> None:
    with DelayLine(RTT_MS) as line:
        async with contextlib.AsyncExitStack() as stack:
            pairs = [
                await stack.enter_async_context(joined(partial(forward, line)))
                for _ in range(CHUNKS)
            ]
            began_ns = monotonic_ns()
            for pair in pairs:
                await send(pair.client, b"x")
            for pair in pairs:
                await receive(pair.server, 1)
            assert HALF_NS <= monotonic_ns() - began_ns < CHUNKS * HALF_NS


async def test_an_end_takes_its_time_and_comes_after_what_was_before() -> None:
    async with through(RTT_MS) as pair:
        await send(pair.client, b"last words")
        ended_ns = monotonic_ns()
        pair.client.shutdown(socket.SHUT_WR)
        assert await receive(pair.server, 10) == b"last words"
        assert await is_at_end(pair.server)
        assert monotonic_ns() - ended_ns >= HALF_NS

        await send(pair.server, b"answer")
        assert await receive(pair.client, 6) == b"answer"


async def test_a_reset_takes_its_time_and_comes_after_what_was_before() -> None:
    async with through(RTT_MS) as pair:
        await send(pair.server, b"last words")
        # The kernel would drop what the proxy has not read.
        await asyncio.sleep(0.01)
        reset_ns = monotonic_ns()
        reset(pair.server)
        assert await receive(pair.client, 10) == b"last words"
        with pytest.raises(ConnectionResetError):
            await is_at_end(pair.client)
        assert monotonic_ns() - reset_ns >= HALF_NS


def test_a_reset_passes_in_the_loop_of_the_process() -> None:
    async def work() -> None:
        for rtt_ms in (0.0, SHORT_RTT_MS):
            async with through(rtt_ms) as pair:
                reset(pair.client)
                with pytest.raises(ConnectionResetError):
                    await is_at_end(pair.server)

    run(work)


async def test_the_line_has_an_end_that_nothing_follows() -> None:
    delivered: list[bytes] = []
    with DelayLine(SHORT_RTT_MS) as line:
        line.put(delivered.append, b"x")
    await asyncio.sleep(0.02)
    assert delivered == []


async def test_bytes_for_a_client_that_is_gone_do_not_disturb_the_others() -> None:
    with DelayLine(RTT_MS) as line:
        join = partial(forward, line)
        async with joined(join) as gone, joined(join) as other:
            await send(gone.server, b"x")
            await asyncio.sleep(0.01)
            reset(gone.client)
            await send(other.server, b"y")
            assert await receive(other.client, 1) == b"y"
            with pytest.raises(ConnectionError):
                await send_for_ever(gone.server)


async def send_for_ever(connection: socket.socket) -> None:
    while True:
        await send(connection, b"z")
        await asyncio.sleep(0.01)


async def test_a_proxy_that_is_stopped_forgets_what_is_under_way() -> None:
    errors: list[dict[str, Any]] = []
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _, context: errors.append(context))
    with DelayLine(RTT_MS) as line:
        async with joined(partial(forward, line)) as pair:
            await send(pair.client, b"x")
            await send(pair.server, b"y")
            await asyncio.sleep(0.01)
            pair.client.shutdown(socket.SHUT_WR)
            await asyncio.sleep(0.01)
        assert asyncio.all_tasks() == {asyncio.current_task()}
        # The alarm rings for connections that are closed.
        await asyncio.sleep(RTT_MS / 1000)
    assert errors == []
