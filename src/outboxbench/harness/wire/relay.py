"""Joins a client's connection to one of the server's, and passes everything on as it comes.

A half-close is passed on as one, and a reset as a reset. A direction holds no more than it has read
at once: who reads slowly is waited for, and so, in the end, does the one who writes to him.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from outboxbench.harness.wire.protocol import Message, StreamParser
from outboxbench.harness.wire.session import Session

Direction: TypeAlias = Literal["frontend", "backend"]

Gate: TypeAlias = Callable[[Direction, Message], Awaitable[None] | None]
"""Sees every message before any byte of it passes. What it returns is awaited first, while all that
came before the message has passed already."""

CHUNK_BYTES: Final = 65536
_RESET_ON_CLOSE: Final = struct.pack("ii", 1, 0)


def open_gate(_direction: Direction, _message: Message) -> None:
    """Let every message pass at once."""


def reset(connection: socket.socket) -> None:
    """Close a connection so that the other end is told it was reset."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
    connection.close()


@dataclass(frozen=True, slots=True)
class _Lane:
    """One direction."""

    direction: Direction
    source: socket.socket
    sink: socket.socket
    parser: StreamParser
    note: Callable[[Message], None]


class Relay:
    """Owns two connected, non-blocking sockets, and closes them when both directions have ended."""

    def __init__(
        self, client: socket.socket, server: socket.socket, gate: Gate, chunk_bytes: int
    ) -> None:
        self.session = Session()
        self._client = client
        self._server = server
        self._gate = gate
        self._chunk_bytes = chunk_bytes

    async def run(self) -> None:
        """Pass on what both sides say until both have ended, or one of them was reset."""
        session = self.session
        outward = _Lane(
            "frontend", self._client, self._server, session.frontend, session.note_frontend
        )
        inward = _Lane("backend", self._server, self._client, session.backend, session.note_backend)
        has_ended_well = False
        try:
            # A socket may be closed only when nobody waits for it any more: the group sees to it.
            async with asyncio.TaskGroup() as pumps:
                ends = [pumps.create_task(self._pump(lane)) for lane in (outward, inward)]
            has_ended_well = all(end.result() for end in ends)
        except* OSError:
            # One side was reset: what the other still has to say reaches nobody.
            pass
        finally:
            close = socket.socket.close if has_ended_well else reset
            close(self._client)
            close(self._server)

    async def _pump(self, lane: _Lane) -> bool:
        """Return whether the sink took everything.

        A sink that is gone may have said something before, which the other direction passes on:
        this one ends without disturbing it.

        Raises:
            OSError: the source was reset.
        """
        loop = asyncio.get_running_loop()
        held = b""
        while data := await loop.sock_recv(lane.source, self._chunk_bytes):
            try:
                held = await self._pass_on(lane, held, data)
            except OSError:
                return False
        try:
            await loop.sock_sendall(lane.sink, held)
            lane.sink.shutdown(socket.SHUT_WR)
        except OSError:
            return False
        return True

    async def _pass_on(self, lane: _Lane, held: bytes, data: bytes) -> bytes:
        """Send what was held back and the new data; return what is to be held back now."""
        loop = asyncio.get_running_loop()
        messages = lane.parser.feed(data)
        if held:
            data = held + data
        start = lane.parser.position - len(data)
        for message in messages:
            if wait := self._gate(lane.direction, message):
                await loop.sock_sendall(lane.sink, data[: message.start - start])
                data, start = data[message.start - start :], message.start
                await wait
            lane.note(message)
        held = lane.parser.held
        await loop.sock_sendall(lane.sink, data[: len(data) - len(held)])
        return held
