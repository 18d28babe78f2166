"""The proxy between clients and a server, as a process of its own.

A line of JSON on standard input names the server; the answer names the port that clients connect
to. With an `rtt_ms` in it the proxy delays what it passes on; without, it counts, and each further
line asks for the counts so far. The end of standard input ends the proxy.
"""

from __future__ import annotations

import asyncio
import json
import socket
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING, Final, TypeAlias

import uvloop

from outboxbench.harness.child_answers import say
from outboxbench.harness.wire.delay_line import DelayLine
from outboxbench.harness.wire.forwarder import forward
from outboxbench.harness.wire.relay import reset
from outboxbench.harness.wire.relays import Relays

if TYPE_CHECKING:
    from typing import NoReturn

Join: TypeAlias = Callable[[socket.socket, socket.socket], Awaitable[None]]
"""Takes over a client's connection and one to the server, and closes both when they have ended."""

LISTEN_HOST: Final = "127.0.0.1"
_BACKLOG: Final = 1024


class Proxy:
    """Listens from its construction on; accepts while `serve` runs."""

    def __init__(self, host: str, port: int, join: Join) -> None:
        self._host = host
        self._server_port = port
        self._join = join
        self._listener = socket.create_server((LISTEN_HOST, 0), backlog=_BACKLOG)
        self._listener.settimeout(0)
        self.port: int = self._listener.getsockname()[1]

    async def serve(self) -> NoReturn:
        """Accept clients until cancelled; then no connection is left."""
        loop = asyncio.get_running_loop()
        with self._listener:
            async with asyncio.TaskGroup() as tasks:
                while True:
                    client, _ = await loop.sock_accept(self._listener)
                    task = tasks.create_task(self._serve_client(client))
                    # For a task that is cancelled before it begins.
                    task.add_done_callback(partial(_close, client))

    async def _serve_client(self, client: socket.socket) -> None:
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            server = await self._connect()
        except BaseException as error:
            reset(client)
            if isinstance(error, OSError):
                # The client cannot be refused any more: a reset is the next best thing.
                return
            raise
        await self._join(client, server)

    async def _connect(self) -> socket.socket:
        loop = asyncio.get_running_loop()
        addresses = await loop.getaddrinfo(self._host, self._server_port, type=socket.SOCK_STREAM)
        failure = OSError(f"{self._host} has no address")
        for family, kind, number, _, address in addresses:
            server = socket.socket(family, kind, number)
            try:
                server.settimeout(0)
                server.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                await loop.sock_connect(server, address)
            except OSError as error:
                server.close()
                failure = error
            except BaseException:
                server.close()
                raise
            else:
                return server
        raise failure


def _close(connection: socket.socket, _task: asyncio.Task[None]) -> None:
    connection.close()


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
    requests: asyncio.StreamReader, host: str, port: int, rtt_ms: float | None = None
) -> None:
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
async def _serving(proxy: Proxy) -> AsyncIterator[None]:
    async with asyncio.TaskGroup() as tasks:
        serving = tasks.create_task(proxy.serve())
        say("listening", port=proxy.port)
        yield
        serving.cancel()


if __name__ == "__main__":
    main()
