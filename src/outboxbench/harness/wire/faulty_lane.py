"""One direction of a connection through the fault proxy.

What arrives goes on at once, unless the link is far away or narrow; then it waits in line, the end
of the stream as well. A lane that is held neither reads nor sends, and loses nothing.
"""

from __future__ import annotations

import asyncio
import math
import socket
from collections import deque
from dataclasses import dataclass
from time import monotonic
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias

from outboxbench.harness.wire.relay import CHUNK_BYTES

if TYPE_CHECKING:
    from collections.abc import Callable

    from outboxbench.harness.wire.relay import Direction
    from outboxbench.harness.wire.shaping import Shaper

Ending: TypeAlias = Literal["end", "reset"]


@dataclass(frozen=True, slots=True)
class LaneHooks:
    """What a connection wants to know of its lanes, and decides.

    `arrived` sees what was read, and `leaves` what goes on; each returns what is still to go on,
    and may have sent the rest itself. With no data, `leaves` returns what was held back. `ended` is
    called when the end of the stream has come through; `sink_is_gone` when nobody takes it any
    more.
    """

    arrived: Callable[[bytes], bytes]
    leaves: Callable[[bytes], bytes]
    ended: Callable[[Ending], None]
    sink_is_gone: Callable[[], None]


class _Waiting(NamedTuple):
    """A chunk in line. No data is the end of the stream, None a reset."""

    since_s: float
    due_s: float
    data: bytes | None


class FaultyLane:
    """Passes on what its source says to its sink. `shapers` may change at any time."""

    def __init__(
        self,
        direction: Direction,
        number: int,
        source: socket.socket,
        sink: socket.socket,
        shapers: list[Shaper],
        hooks: LaneHooks,
    ) -> None:
        self.is_over = False
        self.has_ended_well = False
        self.source_has_ended = False
        self._loop = asyncio.get_running_loop()
        self._direction: Direction = direction
        self._number = number
        self._source = source
        self._sink = sink
        self._shapers = shapers
        self._hooks = hooks
        self._is_held = True
        self._is_reading = False
        self._is_writing = False
        self._sink_shall_end = False
        self._line: deque[_Waiting] = deque()
        self._line_bytes = 0
        self._timer: asyncio.TimerHandle | None = None
        # What is due and the sink could not take yet.
        self._unsent = bytearray()

    @property
    def held_bytes(self) -> int:
        """How much was read and has not been sent."""
        return self._line_bytes + len(self._unsent)

    @property
    def is_free(self) -> bool:
        """Whether what arrives now need not wait in line."""
        return not self._shapers and not self._line

    @property
    def is_waiting(self) -> bool:
        """Whether it is held, or its sink is slow to take what is due."""
        return self._is_held or bool(self._unsent)

    def resume(self) -> None:
        """Begin, or go on, where it was held."""
        self._is_held = False
        if self.is_over:
            return
        if self._unsent:
            self._start_writing()
        self._serve_line()
        self._read_on()

    def hold(self) -> None:
        """Neither read nor send, until it is resumed."""
        self._is_held = True
        self._stop_reading()
        self._stop_writing()
        self._stop_timer()

    def hurry(self) -> None:
        """Let nothing wait in line any more."""
        self._line = deque(each._replace(due_s=0.0) for each in self._line)
        if not self._is_held:
            self._serve_line()

    def abandon(self) -> None:
        """Do nothing more: the sink is gone, or the connection will be."""
        if not self.is_over:
            self.hold()
            self.is_over = True

    def end(self) -> None:
        """Pass the end of the stream on."""
        try:
            self._sink.shutdown(socket.SHUT_WR)
            self.has_ended_well = True
        except OSError:
            pass
        self.abandon()

    def send(self, data: bytes) -> None:
        """Send what the sink takes, and the rest when it can take more."""
        if self._unsent:
            self._unsent += data
        elif data:
            sent = self._send(data)
            if sent < len(data) and not self.is_over:
                self._unsent += data[sent:]
                self._start_writing()

    def _read(self) -> None:
        # To the last byte: of a socket that was reset, libuv tells a single time.
        while self._is_reading and self._read_once():
            pass

    def _read_once(self) -> bool:
        """Return whether there may be more."""
        shapers = self._shapers
        size_bytes = min(each.chunk_bytes for each in shapers) if shapers else CHUNK_BYTES
        try:
            data = self._source.recv(size_bytes)
        except BlockingIOError:
            return False
        except OSError:
            self._end_source(None)
            return False
        if not data:
            self._end_source(b"")
            return False
        if data := self._hooks.arrived(data):
            self._go_on(data)
        if (self._unsent or self._line) and not self._may_read():
            self._stop_reading()
        return True

    def _end_source(self, ending: bytes | None) -> None:
        self.source_has_ended = True
        self._stop_reading()
        self._go_on(ending)

    def _go_on(self, data: bytes | None) -> None:
        if self.is_free:
            self._pass_on(data)
        else:
            self._put(data)

    def _may_read(self) -> bool:
        if self._is_held or self.source_has_ended:
            return False
        return self.held_bytes <= min((each.most_held_bytes for each in self._shapers), default=0)

    def _put(self, data: bytes | None) -> None:
        now_s = due_s = monotonic()
        for shaper in self._shapers:
            due_s = max(due_s, shaper.due_s(self._direction, self._number, len(data or b"")))
        if self._line:
            # Nothing overtakes.
            due_s = max(due_s, self._line[-1].due_s)
        self._line.append(_Waiting(now_s, due_s, data))
        self._line_bytes += len(data or b"")
        if self._timer is None:
            self._set_timer()

    def _set_timer(self) -> None:
        # The loop's clock has milliseconds, and may stand a little behind.
        wait_s = math.ceil((self._line[0].due_s - monotonic()) * 1000) / 1000
        self._timer = self._loop.call_later(max(0.0, wait_s), self._serve_line)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _serve_line(self) -> None:
        """Pass on what is due, and come back for what is next."""
        self._stop_timer()
        while self._line and not self.is_over:
            since_s, due_s, data = self._line[0]
            now_s = monotonic()
            if now_s < due_s:
                self._set_timer()
                break
            self._line.popleft()
            self._line_bytes -= len(data or b"")
            for shaper in self._shapers:
                shaper.note(len(data or b""), now_s - since_s)
            self._pass_on(data)
        self._read_on()

    def _pass_on(self, data: bytes | None) -> None:
        if data is None:
            self._hooks.ended("reset")
            return
        left = self._hooks.leaves(data)
        if self.is_over:
            return
        self.send(left)
        if not data and not self.is_over:
            self._sink_shall_end = True
            self._end_if_all_is_sent()

    def _end_if_all_is_sent(self) -> None:
        if self._sink_shall_end and not self._unsent:
            self._hooks.ended("end")

    def _send_rest(self) -> None:
        sent = self._send(self._unsent)
        if self.is_over:
            return
        del self._unsent[:sent]
        if not self._unsent:
            self._stop_writing()
            self._end_if_all_is_sent()
        self._read_on()

    def _send(self, data: bytes | bytearray) -> int:
        """Return how many bytes the sink took; if it is gone, the lane is over afterwards.

        It may have said something before, which the other direction passes on.
        """
        try:
            return self._sink.send(data)
        except BlockingIOError:
            return 0
        except OSError:
            self.abandon()
            self._hooks.sink_is_gone()
            return 0

    def _read_on(self) -> None:
        if not self._is_reading and not self.is_over and self._may_read():
            self._is_reading = True
            self._loop.add_reader(self._source, self._read)

    def _stop_reading(self) -> None:
        if self._is_reading:
            self._is_reading = False
            self._loop.remove_reader(self._source)

    def _start_writing(self) -> None:
        if not self._is_writing:
            self._is_writing = True
            self._loop.add_writer(self._sink, self._send_rest)

    def _stop_writing(self) -> None:
        if self._is_writing:
            self._is_writing = False
            self._loop.remove_writer(self._sink)
