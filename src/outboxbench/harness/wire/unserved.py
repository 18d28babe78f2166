"""A client's connection that nobody reads from, and how much has arrived on it."""

from __future__ import annotations

import asyncio
import fcntl
import struct
import termios
from typing import TYPE_CHECKING

from outboxbench.harness.wire import relay

if TYPE_CHECKING:
    import socket


class UnservedClient:
    """A client that was accepted, and for which nothing is done."""

    def __init__(self, client: socket.socket) -> None:
        self._client = client
        self._over: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def run(self) -> None:
        """Wait until it is reset, or all is over."""
        try:
            await self._over
        finally:
            relay.reset(self._client)

    @property
    def held_bytes(self) -> int:
        """How much it has sent."""
        return unread_bytes(self._client)

    def reset(self) -> None:
        """Reset it, if that was not done before."""
        if not self._over.done():
            self._over.set_result(None)


def unread_bytes(connection: socket.socket) -> int:
    """Return how much has arrived and waits to be read: nothing if it is closed."""
    if connection.fileno() < 0:
        return 0
    answer = fcntl.ioctl(connection, termios.FIONREAD, bytes(struct.calcsize("i")))
    (size_bytes,) = struct.unpack("i", answer)
    return int(size_bytes)
