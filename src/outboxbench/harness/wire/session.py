"""One session as the proxy sees it: two streams that are read, and counted, together."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from outboxbench.harness.wire.counting import SessionCounter
from outboxbench.harness.wire.protocol import BackendParser, FrontendParser

if TYPE_CHECKING:
    from outboxbench.harness.wire.counts import WireCounts
    from outboxbench.harness.wire.protocol import Message

ENCRYPTION_REQUESTS: Final = frozenset({"SSLRequest", "GSSENCRequest"})


class Session:
    """Feed its parsers, and note each message that they find when it is about to pass."""

    def __init__(self) -> None:
        self.frontend = FrontendParser()
        self.backend = BackendParser()
        self._counter = SessionCounter()
        self._startup_frontend_bytes: int | None = None
        self._startup_backend_bytes: int | None = None

    def note_frontend(self, message: Message) -> None:
        """A message of the client is about to pass."""
        if message.name in ENCRYPTION_REQUESTS:
            self.backend.expect_encryption_answer()
        self._counter.sent(message)

    def note_backend(self, message: Message) -> None:
        """A message of the server is about to pass."""
        if message.name == "EncryptionAccepted":
            self.frontend.become_opaque()
        self._counter.received(message)
        if self._startup_backend_bytes is None and self._counter.is_started:
            self._startup_frontend_bytes = self.frontend.position
            self._startup_backend_bytes = message.start + message.size_bytes

    def counts(self) -> WireCounts:
        """Return the totals so far. Until the server is ready, all bytes are those of startup."""
        startup_frontend_bytes = self._startup_frontend_bytes or self.frontend.position
        startup_backend_bytes = self._startup_backend_bytes or self.backend.position
        return replace(
            self._counter.counts(),
            startup_frontend_bytes=startup_frontend_bytes,
            startup_backend_bytes=startup_backend_bytes,
            frontend_bytes=self.frontend.position - startup_frontend_bytes,
            backend_bytes=self.backend.position - startup_backend_bytes,
        )
