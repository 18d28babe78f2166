"""A broker that keeps what it is given: what a relay costs by itself, and what tests read."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from outboxbench.core.application.outbox import OutboxMessage


class MemoryBroker:
    """Confirms at once; `published` holds every message, those that came twice as well.

    Unless it `keeps` nothing: then it can be used for hours.
    """

    def __init__(self, *, keeps: bool = True) -> None:
        self._keeps = keeps
        self.published: list[OutboxMessage] = []

    async def publish(self, message: OutboxMessage) -> None:
        """Keep a message, if any are kept."""
        if self._keeps:
            self.published.append(message)

    async def close(self) -> None:
        """Do nothing: what was published stays readable."""
