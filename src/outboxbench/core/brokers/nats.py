"""NATS JetStream through nats-py: every message is confirmed by the stream that stores it.

The message's id travels as `Nats-Msg-Id`, so within its window the stream stores a redelivered
message once. The payload is the state as it is stored, JSON; what the message is about travels in
headers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Self

import nats
from nats.errors import (
    ConnectionClosedError,
    Error,
    MaxPayloadError,
    OutboundBufferLimitError,
)
from nats.js.api import StreamConfig
from nats.js.errors import APIError, NoStreamResponseError

from outboxbench.core.application.delivery import MessageRefused, Unavailable

if TYPE_CHECKING:
    from nats.aio.client import Client
    from nats.js import JetStreamContext

    from outboxbench.core.application.outbox import OutboxMessage

STREAM: Final = "OUTBOX"
SUBJECT_PREFIX: Final = "outbox."
DUPLICATE_WINDOW_S: Final = 120.0

_CONFIRM_TIMEOUT_S: Final = 5.0
_CONNECT_TIMEOUT_S: Final = 5.0
_BUSY_CODES: Final = range(500, 600)


class NatsBroker:
    """One connection, which nats-py keeps up by itself."""

    def __init__(self, client: Client, stream: JetStreamContext) -> None:
        self._client = client
        self._stream = stream

    @classmethod
    async def connect(
        cls, url: str, *, user: str | None = None, password: str | None = None
    ) -> Self:
        """Connect, and make sure that the stream is there.

        Raises:
            Unavailable: no server answers at `url`, or it lets nobody in or keeps no streams.
        """
        try:
            client = await nats.connect(
                url,
                user=user,
                password=password,
                name="outboxbench relay",
                connect_timeout=_CONNECT_TIMEOUT_S,
                max_reconnect_attempts=-1,
                reconnect_time_wait=0.1,
                error_cb=_ignore,
                allow_reconnect=True,
                # A message that waits for a lost connection is not confirmed, and better known as
                # such than sent later.
                pending_size=0,
            )
            stream = client.jetstream(timeout=_CONFIRM_TIMEOUT_S)
            await stream.add_stream(
                StreamConfig(
                    name=STREAM,
                    subjects=[f"{SUBJECT_PREFIX}>"],
                    duplicate_window=DUPLICATE_WINDOW_S,
                )
            )
        except (Error, OSError, TimeoutError) as error:
            raise Unavailable(f"NATS at {url} cannot be used: {_named(error)}") from error
        return cls(client, stream)

    async def publish(self, message: OutboxMessage) -> None:
        """Return once the stream has stored the message, or knows that it had."""
        try:
            await self._stream.publish(
                f"{SUBJECT_PREFIX}{message.topic}",
                message.state.encode(),
                headers={
                    "Nats-Msg-Id": message.id,
                    "Outbox-Aggregate": f"{message.aggregate_type}/{message.aggregate_id}",
                    "Outbox-Version": str(message.version),
                },
            )
        except (MaxPayloadError, APIError) as error:
            if isinstance(error, APIError) and error.code in _BUSY_CODES:
                raise Unavailable(_named(error)) from error
            raise MessageRefused(f"NATS refused it with {_named(error)}") from error
        except (
            NoStreamResponseError,
            ConnectionClosedError,
            OutboundBufferLimitError,
            Error,
            OSError,
            TimeoutError,
        ) as error:
            raise Unavailable(f"NATS did not confirm: {_named(error)}") from error

    async def close(self) -> None:
        """Disconnect."""
        await self._client.close()


async def _ignore(_: Exception) -> None:
    """Errors of the connection: whoever publishes meets them as well."""


def _named(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}"
