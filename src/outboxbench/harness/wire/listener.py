"""Accepts clients on a free port of this machine, and reaches a server for them."""

from __future__ import annotations

import asyncio
import socket
from abc import ABC, abstractmethod
from functools import partial
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from typing import NoReturn

LISTEN_HOST: Final = "127.0.0.1"
_BACKLOG: Final = 1024


class Listener(ABC):
    """Listens from its construction on; accepts while `serve` runs.

    A subclass says what is done for a client.
    """

    def __init__(self) -> None:
        self._listener = socket.create_server((LISTEN_HOST, 0), backlog=_BACKLOG)
        self._listener.settimeout(0)
        self._tasks = asyncio.TaskGroup()
        self._accepting: asyncio.Task[NoReturn] | None = None
        self.port: int = self._listener.getsockname()[1]

    async def serve(self) -> NoReturn:
        """Accept clients until cancelled; then no connection is left."""
        try:
            async with self._tasks:
                self._accepting = self._tasks.create_task(self._accept())
                while True:
                    await asyncio.Event().wait()
        finally:
            self._listener.close()

    async def _refuse(self) -> None:
        """Have the system refuse whoever connects, as where nobody listens, and keep the port."""
        if self._accepting is None:
            return
        self._accepting.cancel()
        await asyncio.wait([self._accepting])
        self._accepting = None
        self._listener.close()
        self._listener = socket.socket()
        self._listener.settimeout(0)
        self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._listener.bind((LISTEN_HOST, self.port))

    def _listen_again(self) -> None:
        if self._accepting is None:
            self._listener.listen(_BACKLOG)
            self._accepting = self._tasks.create_task(self._accept())

    async def _accept(self) -> NoReturn:
        loop = asyncio.get_running_loop()
        while True:
            client, _ = await loop.sock_accept(self._listener)
            self._welcome(client)

    def _accept_waiting(self) -> None:
        """Accept at once whoever has connected up to now."""
        while self._accepting is not None:
            try:
                client, _ = self._listener.accept()
            except BlockingIOError:
                return
            client.settimeout(0)
            self._welcome(client)

    def _welcome(self, client: socket.socket) -> None:
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        task = self._tasks.create_task(self._serve_client(client))
        # For a task that is cancelled before it begins.
        task.add_done_callback(partial(_close, client))

    @abstractmethod
    async def _serve_client(self, client: socket.socket) -> None:
        """Do everything for one client; its connection is closed afterwards."""


async def connect_to(host: str, port: int) -> socket.socket:
    """Return a connection that does not block.

    Raises:
        OSError: nobody can be reached there.
    """
    loop = asyncio.get_running_loop()
    addresses = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    failure = OSError(f"{host} has no address")
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
