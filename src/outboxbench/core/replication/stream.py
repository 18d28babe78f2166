"""A stream of the write-ahead log over libpq's COPY_BOTH mode, which only `psycopg.pq` offers."""

from __future__ import annotations

import asyncio
from struct import Struct
from time import time
from typing import TYPE_CHECKING, Final

from psycopg import OperationalError, pq

from outboxbench.core.application.outcome import FailureKind, PersistenceError

if TYPE_CHECKING:
    from collections.abc import Callable

    from psycopg.pq.abc import PGconn

_LOG_DATA: Final = Struct("!cqqq")  # w, LSN of the start, LSN of the server's end, time
_KEEPALIVE: Final = Struct("!cqqb")  # k, LSN of the server's end, time, whether to answer at once
_STATUS: Final = Struct("!cqqqqb")  # r, written, flushed and applied up to, time, answer wanted
_EPOCH_2000_S: Final = 946_684_800
_END_OF_STREAM: Final = -1


class ReplicationStream:
    """Reads a slot. Ends with the connection; the slot stays, and the log from `confirm` on.

    `on_data` is called with each message of the plugin, `on_idle` with a position of the log before
    which there is nothing more to read.
    """

    def __init__(
        self,
        connection: PGconn,
        on_data: Callable[[bytes], None],
        on_idle: Callable[[int], None],
    ) -> None:
        self._connection = connection
        self._on_data = on_data
        self._on_idle = on_idle
        self._confirmed_lsn = 0
        self._lost: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._is_reading = False

    @classmethod
    async def start(
        cls,
        conninfo: str,
        slot: str,
        options: dict[str, str],
        on_data: Callable[[bytes], None],
        on_idle: Callable[[int], None],
    ) -> ReplicationStream:
        """Begin where the slot was last confirmed.

        Raises:
            PersistenceError: the server does not let us, or somebody else reads the slot.
        """
        connection = await asyncio.to_thread(_start, conninfo, slot, options)
        stream = cls(connection, on_data, on_idle)
        stream.resume()
        return stream

    @property
    def lost(self) -> PersistenceError | None:
        """Why the stream has ended, if it has."""
        if not self._lost.done():
            return None
        error = self._lost.exception()
        assert isinstance(error, PersistenceError)
        return error

    def pause(self) -> None:
        """Read no more for now; the server waits."""
        if self._is_reading:
            asyncio.get_running_loop().remove_reader(self._connection.socket)
            self._is_reading = False

    def resume(self) -> None:
        """Read on."""
        if not self._is_reading and not self._lost.done():
            asyncio.get_running_loop().add_reader(self._connection.socket, self._read)
            self._is_reading = True
            self._read()

    def confirm(self, lsn: int) -> None:
        """Tell the server that everything before this position may be forgotten."""
        self._confirmed_lsn = max(self._confirmed_lsn, lsn)
        self.report()

    def report(self) -> None:
        """Tell the server again how far everything is confirmed; also that we are there."""
        if self._lost.done():
            return
        now_us = round((time() - _EPOCH_2000_S) * 1_000_000)
        lsn = self._confirmed_lsn
        try:
            self._connection.put_copy_data(_STATUS.pack(b"r", lsn, lsn, lsn, now_us, 0))
            self._connection.flush()
        except OperationalError as error:
            self._end(error)

    def close(self) -> None:
        """Give up the connection."""
        self.pause()
        if not self._lost.done():
            self._lost.set_exception(_gone("it was closed"))
            # Nobody has to ask.
            self._lost.exception()
        self._connection.finish()

    def _read(self) -> None:
        try:
            self._connection.consume_input()
            while self._is_reading:
                length, data = self._connection.get_copy_data(1)
                if length == _END_OF_STREAM:
                    raise OperationalError("the server has ended the stream")
                if length == 0:
                    return
                self._take(bytes(data))
        except OperationalError as error:
            self._end(error)

    def _take(self, message: bytes) -> None:
        if message[:1] == b"w":
            self._on_data(message[_LOG_DATA.size :])
            return
        _, end_lsn, _, wants_answer = _KEEPALIVE.unpack(message)
        self._on_idle(end_lsn)
        if wants_answer:
            self.report()

    def _end(self, error: OperationalError) -> None:
        self.pause()
        if not self._lost.done():
            self._lost.set_exception(_gone(str(error).strip()))
            self._lost.exception()


def _start(conninfo: str, slot: str, options: dict[str, str]) -> PGconn:
    connection = pq.PGconn.connect(f"{conninfo} replication=database".encode())
    if connection.status != pq.ConnStatus.OK:
        message = connection.get_error_message().strip()
        connection.finish()
        raise _gone(message)
    settings = ", ".join(f"{name} '{value}'" for name, value in options.items())
    # No statement that takes parameters; the names are our own.
    command = f'START_REPLICATION SLOT "{slot}" LOGICAL 0/0 ({settings})'
    result = connection.exec_(command.encode())
    if result.status != pq.ExecStatus.COPY_BOTH:
        message = result.get_error_message().strip()
        connection.finish()
        raise _gone(message)
    connection.nonblocking = 1
    return connection


def _gone(why: str) -> PersistenceError:
    return PersistenceError(f"the log cannot be read: {why}", FailureKind.CONNECTION)
