"""A TCP link to the server that can be cut, as a network does it: by a reset, without a word."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from dataclasses import replace
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from types import TracebackType

    from outboxbench.core.strategies.settings import DatabaseAddress

CHUNK_BYTES = 65536
LENGTH_BYTES = 4
RESET_ON_CLOSE = struct.pack("ii", 1, 0)


class Link:
    """Forwards connections on a free port of 127.0.0.1 to a server.

    Those through one that is `read_only` take no writes, and the server says so, as a standby does.
    TLS does not pass it.
    """

    def __init__(self, server: DatabaseAddress, *, read_only: bool = False) -> None:
        self._server = server
        self._is_read_only = read_only
        self._forgotten: set[asyncio.StreamWriter] = set()
        self._last_word: bytes | None = None
        self._is_up = True
        self._was_cut = asyncio.Event()
        self.refused = 0
        """Connections that were asked for while the link was down."""
        self.closed = 0
        """Connections that were forwarded, and are closed at both ends."""
        self._tasks: set[asyncio.Task[None]] = set()
        self._writers: set[asyncio.StreamWriter] = set()

    async def __aenter__(self) -> Self:
        self._listener = await asyncio.start_server(self._accept, host="127.0.0.1", port=0)
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._listener.close()
        self.cut()
        await asyncio.gather(*self._tasks)
        await self._listener.wait_closed()

    @property
    def address(self) -> DatabaseAddress:
        """The address of the server as seen through the link."""
        port = self._listener.sockets[0].getsockname()[1]
        return replace(self._server, host="127.0.0.1", port=port)

    def forget(self) -> None:
        """Let nothing pass any more on any connection there is, and tell nobody; serve new ones.

        Of the end of a connection neither side hears from the other.
        """
        self._forgotten |= self._writers

    def forget_at(self, word: bytes) -> None:
        """Forget every connection, once, when somebody says `word`: what is before it passes."""
        self._last_word = word

    def take_down(self) -> None:
        """Reset every connection, and whoever connects until the link is up again."""
        self._is_up = False
        self.cut()

    def bring_up(self) -> None:
        """Forward connections again."""
        self._is_up = True

    def cut(self) -> None:
        """Reset every connection; new ones are forwarded again."""
        for writer in self._writers:
            _reset(writer)
        self._writers.clear()
        self._forgotten.clear()
        self._was_cut.set()
        self._was_cut = asyncio.Event()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if not self._is_up:
            self.refused += 1
            _reset(writer)
            return
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        far_reader, far_writer = await asyncio.open_connection(self._server.host, self._server.port)
        both = {writer, far_writer}
        self._writers |= both
        if not self._is_up:
            # Taken down while the server was being called.
            self.refused += 1
            self.cut()
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            if self._is_read_only:
                far_writer.write(_read_only(await _startup_message(reader)))
        await asyncio.gather(self._forward(reader, far_writer), self._forward(far_reader, writer))
        self._writers -= both
        self._forgotten -= both
        self.closed += 1

    async def _forward(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            while data := await reader.read(CHUNK_BYTES):
                if self._last_word is not None and self._last_word in data:
                    writer.write(data[: data.index(self._last_word)])
                    self._last_word = None
                    self.forget()
                if writer not in self._forgotten:
                    writer.write(data)
                    await writer.drain()
        if writer in self._forgotten:
            await self._was_cut.wait()
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()


async def _startup_message(reader: asyncio.StreamReader) -> bytes:
    """Return the first message of a client, without its length."""
    length = int.from_bytes(await reader.readexactly(LENGTH_BYTES))
    return await reader.readexactly(length - LENGTH_BYTES)


def _read_only(startup_message: bytes) -> bytes:
    """Return the message, with its length, of a client that wants a session that only reads."""
    changed = startup_message[:-1] + b"default_transaction_read_only\0on\0" + b"\0"
    return (len(changed) + LENGTH_BYTES).to_bytes(LENGTH_BYTES) + changed


def _reset(writer: asyncio.StreamWriter) -> None:
    if not writer.is_closing():
        connection: socket.socket = writer.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
        writer.transport.abort()
