"""A broker that writes each message as a line of JSON: to look at, or for another program."""

from __future__ import annotations

import json
from typing import IO, TYPE_CHECKING

from outboxbench.core.application.delivery import Unavailable

if TYPE_CHECKING:
    from outboxbench.core.application.outbox import OutboxMessage


class LinesBroker:
    """A message is confirmed once its line has left the process."""

    def __init__(self, stream: IO[str]) -> None:
        self._stream = stream

    async def publish(self, message: OutboxMessage) -> None:
        """Write a message."""
        line = {
            "id": message.id,
            "topic": message.topic,
            "aggregate_type": message.aggregate_type,
            "aggregate_id": str(message.aggregate_id),
            "version": message.version,
            "ordinal": message.ordinal,
            "state": json.loads(message.state),
        }
        try:
            self._stream.write(json.dumps(line) + "\n")
            self._stream.flush()
        except OSError as error:
            raise Unavailable(f"nobody reads the messages: {error.strerror}") from error

    async def close(self) -> None:
        """The stream is its owner's to close."""
