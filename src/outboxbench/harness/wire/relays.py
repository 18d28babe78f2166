"""The relays of a proxy that counts, and what went through all of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from outboxbench.harness.wire.counts import WireCounts
from outboxbench.harness.wire.relay import CHUNK_BYTES, Gate, Relay, open_gate

if TYPE_CHECKING:
    import socket


class Relays:
    """Joins connections by relays, and remembers the counts of those that have ended."""

    def __init__(self, *, gate: Gate = open_gate, chunk_bytes: int = CHUNK_BYTES) -> None:
        self._gate = gate
        self._chunk_bytes = chunk_bytes
        self._relays: set[Relay] = set()
        self._ended = WireCounts()

    async def join(self, client: socket.socket, server: socket.socket) -> None:
        """Pass on and count what both sides say until both have ended, or one of them was reset."""
        relay = Relay(client, server, self._gate, self._chunk_bytes)
        self._relays.add(relay)
        try:
            await relay.run()
        finally:
            self._relays.remove(relay)
            self._ended += relay.session.counts()

    def counts(self) -> WireCounts:
        """Return the totals of all sessions: exact as soon as the clients have their answers."""
        return sum((relay.session.counts() for relay in self._relays), self._ended)
