"""Joins a client's connection to one of the server's, and passes bytes on unseen, after a delay.

It runs beside what is measured, so it costs as little as it can: a call of `recv` and one of `send`
for whatever came at once, straight from the event loop, without tasks and without a look at it.

The end of a stream takes the same time as its bytes, be it a half-close or a reset. Making the
connection takes no time: whoever measures has made it before.
"""

from __future__ import annotations

import asyncio
import socket
from typing import TYPE_CHECKING, Final

from outboxbench.harness.wire.relay import CHUNK_BYTES, reset

if TYPE_CHECKING:
    from collections.abc import Callable

    from outboxbench.harness.wire.delay_line import DelayLine

MOST_HELD_BYTES: Final = 4 * 1024 * 1024
"""A direction that holds more reads no further. A gigabyte each second and 4 ms fit."""


async def forward(line: DelayLine, client: socket.socket, server: socket.socket) -> None:
    """Pass on what both sides say until both have ended, or one of them was reset."""
    await Forwarder(client, server, line).run()


class Forwarder:
    """Owns two connected, non-blocking sockets, and closes them when both directions have ended."""

    def __init__(self, client: socket.socket, server: socket.socket, line: DelayLine) -> None:
        self._sockets = (client, server)
        self._ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._lanes = (
            _Lane(client, server, line, self._note_end, self._reset),
            _Lane(server, client, line, self._note_end, self._reset),
        )

    async def run(self) -> None:
        """Pass on what both sides say until both have ended, or one of them was reset."""
        try:
            for lane in self._lanes:
                lane.start()
            await self._ended
        finally:
            self._reset()

    def _note_end(self) -> None:
        if all(lane.is_over for lane in self._lanes):
            has_ended_well = all(lane.has_ended_well for lane in self._lanes)
            self._close(socket.socket.close if has_ended_well else reset)

    def _reset(self) -> None:
        # What is still under way finds its lane over.
        for lane in self._lanes:
            lane.abandon()
        self._close(reset)

    def _close(self, close: Callable[[socket.socket], None]) -> None:
        if not self._ended.done():
            self._ended.set_result(None)
        for each in self._sockets:
            if each.fileno() >= 0:
                close(each)


class _Lane:
    """One direction."""

    def __init__(
        self,
        source: socket.socket,
        sink: socket.socket,
        line: DelayLine,
        note_end: Callable[[], None],
        reset_both: Callable[[], None],
    ) -> None:
        self.is_over = False
        self.has_ended_well = False
        self._loop = asyncio.get_running_loop()
        self._source = source
        self._sink = sink
        self._line = line
        self._note_end = note_end
        self._reset_both = reset_both
        self._is_reading = False
        self._source_has_ended = False
        self._sink_shall_end = False
        self._held_bytes = 0
        # What is due and the sink could not take yet.
        self._unsent = bytearray()

    def start(self) -> None:
        """Begin, or go on, to read."""
        self._is_reading = True
        self._loop.add_reader(self._source, self._read)

    def abandon(self) -> None:
        """Do nothing more: the sink is gone, or the connection will be."""
        if not self.is_over:
            self.is_over = True
            self._stop_reading()
            if self._unsent:
                self._loop.remove_writer(self._sink)
                self._unsent.clear()

    def _stop_reading(self) -> None:
        if self._is_reading:
            self._is_reading = False
            self._loop.remove_reader(self._source)

    def _read(self) -> None:
        # To the last byte: of a socket that was reset, libuv tells a single time.
        while self._is_reading and self._read_once():
            pass

    def _read_once(self) -> bool:
        """Return whether there may be more."""
        try:
            data = self._source.recv(CHUNK_BYTES)
        except BlockingIOError:
            return False
        except OSError:
            self._source_has_ended = True
            self._stop_reading()
            self._line.put(self._pass_reset_on, b"")
            return False
        if not data:
            self._source_has_ended = True
            self._stop_reading()
        self._held_bytes += len(data)
        self._line.put(self._pass_on, data)
        if self._held_bytes > MOST_HELD_BYTES:
            self._stop_reading()
        return True

    def _pass_reset_on(self, _nothing: bytes) -> None:
        # What the other side still has to say reaches nobody.
        if not self.is_over:
            self._reset_both()

    def _pass_on(self, data: bytes) -> None:
        """Send what is due; no data is the end of it."""
        if self.is_over:
            return
        if self._unsent:
            self._unsent += data
            self._sink_shall_end = not data
        elif data:
            sent = self._send(data)
            if sent < len(data) and not self.is_over:
                self._unsent += data[sent:]
                self._loop.add_writer(self._sink, self._send_rest)
        else:
            self._end()

    def _send_rest(self) -> None:
        sent = self._send(self._unsent)
        if self.is_over:
            return
        del self._unsent[:sent]
        if not self._unsent:
            self._loop.remove_writer(self._sink)
            if self._sink_shall_end:
                self._end()

    def _send(self, data: bytes | bytearray) -> int:
        """Return how many bytes the sink took; if it is gone, the lane is over afterwards.

        It may have said something before, which the other direction passes on.
        """
        try:
            sent = self._sink.send(data)
        except BlockingIOError:
            return 0
        except OSError:
            self.abandon()
            self._note_end()
            return 0
        self._held_bytes -= sent
        if (
            not self._is_reading
            and not self._source_has_ended
            and self._held_bytes <= MOST_HELD_BYTES
        ):
            self.start()
        return sent

    def _end(self) -> None:
        try:
            self._sink.shutdown(socket.SHUT_WR)
            self.has_ended_well = True
        except OSError:
            pass
        self.abandon()
        self._note_end()
