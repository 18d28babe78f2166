"""HTTP as uvicorn speaks it, with bounds: on the length of a head, and on how long one may take.

uvicorn over httptools lets a client send a head of any length, and take for ever over it.
"""

from __future__ import annotations

from time import monotonic_ns
from typing import TYPE_CHECKING, Any, Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from outboxbench.web.incoming import RECEIVED_KEY
from outboxbench.web.problems import MEDIA_TYPE, malformed

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Sequence

    from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

MOST_HEAD_BYTES: Final = 16 * 1024
REQUEST_TIMEOUT_S: Final = 10.0
"""For a whole request to arrive, and for the first one of a connection to begin."""


class BoundedHttpProtocol(HttpToolsProtocol):
    """Ends connections whose requests are too long, or do not come to their end."""

    _timer: asyncio.TimerHandle | None = None
    _answering: Sequence[RequestResponseCycle] = ()
    """What is asked and not answered yet, in its order."""
    _heads = 0
    _is_in_request = False
    _is_in_head = False
    _head_bytes = 0
    """Of the head that has not come to its end, without the read in which it began."""

    def connection_made(self, transport: Any) -> None:
        """Begin to wait for the first request."""
        super().connection_made(transport)
        self._is_in_request = True
        self._limit_time()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait no longer."""
        self._stop_timer()
        super().connection_lost(exc)
        # Of requests that came together uvicorn tells the last one alone that its client has gone.
        for cycle in self._answering:
            cycle.disconnected = True
            cycle.message_event.set()

    def data_received(self, data: bytes) -> None:
        """Read on, unless a head has become too long."""
        head = self._heads if self._is_in_head else None
        super().data_received(data)
        self._limit_time()
        if not self._is_in_head or self._heads != head:
            # It ended here, or another began, of which this read holds no more than a part.
            return
        self._head_bytes += len(data)
        if self._head_bytes > MOST_HEAD_BYTES and not self.transport.is_closing():
            self.send_400_response(f"send a head of at most {MOST_HEAD_BYTES} bytes")

    def on_message_begin(self) -> None:
        """Begin a request."""
        super().on_message_begin()
        self._heads += 1
        self._head_bytes = 0
        self._is_in_head = self._is_in_request = True

    def on_url(self, url: bytes) -> None:
        """Note when a request came: with the first that is read of it."""
        super().on_url(url)
        self.scope.setdefault(RECEIVED_KEY, monotonic_ns())  # type: ignore[typeddict-item]

    def on_headers_complete(self) -> None:
        """End its head."""
        self._is_in_head = False
        super().on_headers_complete()
        open_ = (each for each in self._answering if not each.response_complete)
        self._answering = (*open_, self.cycle)

    def on_message_complete(self) -> None:
        """End it: from here on the service answers for the time that it takes."""
        self._is_in_request = False
        self._stop_timer()
        super().on_message_complete()

    def send_400_response(self, msg: str) -> None:
        """Answer what is no request of HTTP, and end the connection."""
        problem = malformed("send a request of HTTP/1.1" if "Invalid" in msg else msg)
        body = problem.body
        head = (
            f"HTTP/1.1 {problem.status.value} {problem.status.phrase}\r\n"
            f"content-type: {MEDIA_TYPE}\r\ncontent-length: {len(body)}\r\n"
            "connection: close\r\n\r\n"
        )
        self._stop_timer()
        self.transport.write(head.encode() + body)
        self.transport.close()

    def _limit_time(self) -> None:
        # Most requests come in one read, and need no timer.
        if self._is_in_request and self._timer is None and not self.transport.is_closing():
            self._timer = self.loop.call_later(REQUEST_TIMEOUT_S, self._end)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _end(self) -> None:
        self._timer = None
        if not self.transport.is_closing():
            self.transport.close()
