"""The proxy between clients and a server, as a process of its own.

A line of JSON on standard input names the server; the answer names the port that clients connect
to. With an `rtt_ms` in it the proxy delays what it passes on. With `faults` each further line is a
request of `faulty`, which is answered with what proves it. Without either it counts, and each
further line asks for the counts so far. The end of standard input ends the proxy.
"""

from __future__ import annotations

import asyncio
import json
import socket
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial
from typing import TypeAlias

import uvloop

from outboxbench.harness.child_answers import say
from outboxbench.harness.wire.delay_line import DelayLine
from outboxbench.harness.wire.faulty import FaultyProxy
from outboxbench.harness.wire.forwarder import forward
from outboxbench.harness.wire.listener import Listener, connect_to
from outboxbench.harness.wire.relay import reset
from outboxbench.harness.wire.relays import Relays

Join: TypeAlias = Callable[[socket.socket, socket.socket], Awaitable[None]]
"""Takes over a client's connection and one to the server, and closes both when they have ended."""


class Proxy(Listener):
    """Joins each client to the server."""

    def __init__(self, host: str, port: int, join: Join) -> None:
        super().__init__()
        self._host = host
        self._server_port = port
        self._join = join

    async def _serve_client(self, client: socket.socket) -> None:
        try:
            server = await connect_to(self._host, self._server_port)
        except BaseException as error:
            reset(client)
            if isinstance(error, OSError):
                # The client cannot be refused any more: a reset is the next best thing.
                return
            raise
        await self._join(client, server)


def main() -> None:
    """Serve until standard input ends."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_work())


async def _work() -> None:
    requests = asyncio.StreamReader()
    transport, _ = await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(requests), sys.stdin
    )
    if parameters := await requests.readline():
        await _proxy(requests, **json.loads(parameters))
    transport.close()


async def _proxy(
    requests: asyncio.StreamReader,
    host: str,
    port: int,
    rtt_ms: float | None = None,
    *,
    faults: bool = False,
) -> None:
    if faults:
        faulty = FaultyProxy(host, port)
        async with _serving(faulty):
            while request := await requests.readline():
                say("done", **await faulty.answer(json.loads(request)))
        return
    if rtt_ms is None:
        relays = Relays()
        async with _serving(Proxy(host, port, relays.join)):
            while await requests.readline():
                say("counts", counts=relays.counts().to_json())
        return
    with DelayLine(rtt_ms) as line:
        async with _serving(Proxy(host, port, partial(forward, line))):
            await requests.read()


@asynccontextmanager
async def _serving(proxy: Listener) -> AsyncIterator[None]:
    async with asyncio.TaskGroup() as tasks:
        serving = tasks.create_task(proxy.serve())
        say("listening", port=proxy.port)
        yield
        serving.cancel()


if __name__ == "__main__":
    main()
