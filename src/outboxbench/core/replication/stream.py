"""A stream of the write-ahead log over libpq's COPY_BOTH mode, which only `psycopg.pq` offers.

Source: PostgreSQL manual, "Streaming Replication Protocol".
"""

from __future__ import annotations

import asyncio
import struct
from struct import Struct
from time import time
from typing import TYPE_CHECKING, Final, Protocol

from psycopg import OperationalError, pq

from outboxbench.core.application.outcome import FailureKind, PersistenceError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from psycopg.pq.abc import PGconn

_LOG_DATA: Final = Struct("!cqqq")  # w, LSN of the start, LSN of the server's end, time
_KEEPALIVE: Final = Struct("!cqqb")  # k, LSN of the server's end, time, whether to answer at once
_STATUS: Final = Struct("!cqqqqb")  # r, written, flushed and applied up to, time, answer wanted
_EPOCH_2000_S: Final = 946_684_800
_END_OF_STREAM: Final = -1


class StreamListener(Protocol):
    """Hears what a stream brings, on the event loop and between two steps of anything else."""

    def on_data(self, message: bytes) -> None:
        """Take a message of the output plugin.

        Raises:
            ValueError: it cannot be read, and what follows neither.
        """
        ...

    def on_idle(self, lsn: int) -> None:
        """The log has been read up to a position; nothing before it is still to come."""
        ...

    def on_lost(self) -> None:
        """The stream has ended; its `lost` tells why."""
        ...


class ReplicationStream:
    """Reads a slot. Ends with the connection; the slot stays, and the log from `confirm` on.

    It begins to read with `resume`.
    """

    def __init__(self, connection: PGconn, listener: StreamListener) -> None:
        self._connection = connection
        self._socket = connection.socket
        self._listener = listener
        self._confirmed_lsn = 0
        self._lost: PersistenceError | None = None
        self._is_reading = False

    @classmethod
    async def start(
        cls, conninfo: str, slot: str, options: Mapping[str, str], listener: StreamListener
    ) -> ReplicationStream:
        """Begin where the slot was last confirmed.

        Raises:
            PersistenceError: the server does not let us, or somebody else reads the slot.
        """
        return cls(await asyncio.to_thread(_start, conninfo, slot, options), listener)

    @property
    def lost(self) -> PersistenceError | None:
        """Why the stream has ended, if it has."""
        return self._lost

    @property
    def is_paused(self) -> bool:
        """Whether it waits to be resumed."""
        return not self._is_reading

    def pause(self) -> None:
        """Read no more for now; the server waits."""
        if self._is_reading:
            asyncio.get_running_loop().remove_reader(self._socket)
            self._is_reading = False

    def resume(self) -> None:
        """Read on, beginning with what has arrived already."""
        if not self._is_reading and self._lost is None:
            loop = asyncio.get_running_loop()
            loop.add_reader(self._socket, self._read)
            self._is_reading = True
            # libpq may hold messages that the socket will not report again.
            loop.call_soon(self._read)

    def confirm(self, lsn: int) -> None:
        """Tell the server that everything before this position may be forgotten."""
        if lsn > self._confirmed_lsn:
            self._confirmed_lsn = lsn
            self.report()

    def report(self) -> None:
        """Tell the server again how far everything is confirmed; also that we are there."""
        if self._lost is not None:
            return
        now_us = round((time() - _EPOCH_2000_S) * 1_000_000)
        lsn = self._confirmed_lsn
        try:
            self._connection.put_copy_data(_STATUS.pack(b"r", lsn, lsn, lsn, now_us, 0))
            self._connection.flush()
        except OperationalError as error:
            self.end(str(error))

    def end(self, why: str) -> None:
        """Read no more, since it would be wrong or cannot be done."""
        self.pause()
        if self._lost is None:
            self._lost = _gone(why.strip())
            self._listener.on_lost()

    def close(self) -> None:
        """Give up the connection."""
        self.end("it was closed")
        self._connection.finish()

    def _read(self) -> None:
        if not self._is_reading:
            return
        try:
            self._connection.consume_input()
            while self._is_reading:
                length, data = self._connection.get_copy_data(1)
                if length == _END_OF_STREAM:
                    raise OperationalError(_reason(self._connection))
                if length == 0:
                    return
                self._take(bytes(data))
        except (OperationalError, ValueError, struct.error) as error:
            self.end(str(error))

    def _take(self, message: bytes) -> None:
        if message[:1] == b"w":
            self._listener.on_data(message[_LOG_DATA.size :])
            return
        _, end_lsn, _, wants_answer = _KEEPALIVE.unpack(message)
        self._listener.on_idle(end_lsn)
        if wants_answer:
            self.report()


def _start(conninfo: str, slot: str, options: Mapping[str, str]) -> PGconn:
    connection = pq.PGconn.connect(conninfo.encode())
    if connection.status != pq.ConnStatus.OK:
        message = connection.get_error_message().strip()
        connection.finish()
        raise _gone(message)
    settings = ", ".join(f"{name} '{value}'" for name, value in options.items())
    # No statement that takes parameters; the names are our own. 0/0 is behind what was confirmed,
    # so the server begins there.
    command = f'START_REPLICATION SLOT "{slot}" LOGICAL 0/0 ({settings})'
    result = connection.exec_(command.encode())
    if result.status != pq.ExecStatus.COPY_BOTH:
        message = result.get_error_message().strip()
        connection.finish()
        raise _gone(message)
    connection.nonblocking = 1
    return connection


def _reason(connection: PGconn) -> str:
    result = connection.get_result()
    message = "" if result is None else result.get_error_message()
    return message or "the server has ended the stream"


def _gone(why: str) -> PersistenceError:
    return PersistenceError(f"the log cannot be read: {why}", FailureKind.CONNECTION)
