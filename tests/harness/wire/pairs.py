"""The two ends of one connection through a proxy, both in the test's hands."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.harness.wire.serving import serving

from outboxbench.harness.wire.proxy import Proxy

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from outboxbench.harness.wire.proxy import Join

PATIENCE_S = 30.0


@dataclass(frozen=True, slots=True)
class Pair:
    """The two ends that talk through the proxy."""

    client: socket.socket
    server: socket.socket


@contextlib.asynccontextmanager
async def joined(join: Join) -> AsyncIterator[Pair]:
    loop = asyncio.get_running_loop()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(0)
        port = listener.getsockname()[1]
        proxy = Proxy("127.0.0.1", port, join)
        async with serving(proxy), asyncio.timeout(PATIENCE_S):
            client = socket.create_connection(("127.0.0.1", proxy.port))
            client.settimeout(0)
            server, _ = await loop.sock_accept(listener)
            server.settimeout(0)
            with client, server:
                yield Pair(client, server)


async def send(connection: socket.socket, data: bytes) -> None:
    await asyncio.get_running_loop().sock_sendall(connection, data)


async def receive(connection: socket.socket, size_bytes: int) -> bytes:
    loop = asyncio.get_running_loop()
    data = bytearray()
    while len(data) < size_bytes:
        part = await loop.sock_recv(connection, size_bytes - len(data))
        assert part, f"ended after {bytes(data)!r}"
        data += part
    return bytes(data)


async def is_at_end(connection: socket.socket) -> bool:
    return await asyncio.get_running_loop().sock_recv(connection, 1) == b""
