"""NATS JetStream through nats-py: every message is confirmed by the stream that stores it.

The message's id travels as `Nats-Msg-Id`, so within its window the stream stores a redelivered
message once. The payload is the state as it is stored, JSON; what the message is about travels in
headers.
"""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING, Any, Final, Self

from nats.aio.client import Client
from nats.errors import (
    ConnectionClosedError,
    Error,
    OutboundBufferLimitError,
)
from nats.js.api import StreamConfig
from nats.js.errors import APIError, NoStreamResponseError

from outboxbench.core.application.delivery import MessageRefused, Unavailable

if TYPE_CHECKING:
    from nats.js import JetStreamContext

    from outboxbench.core.application.outbox import OutboxMessage

STREAM: Final = "OUTBOX"
SUBJECT_PREFIX: Final = "outbox."
DUPLICATE_WINDOW_S: Final = 120.0

_CONFIRM_TIMEOUT_S: Final = 5.0
_CONNECT_TIMEOUT_S: Final = 5.0
# Words between dots, none of them a wildcard.
_TOPIC: Final = re.compile(r"[^\s.*>]+(\.[^\s.*>]+)*")

# "NATS/1.0" and what surrounds a header, as the protocol writes them.
_FRAME_BYTES: Final = 12
_HEADER_BYTES: Final = 4

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
        options: dict[str, Any] = {
            "user": user,
            "password": password,
            "name": "outboxbench relay",
            "connect_timeout": _CONNECT_TIMEOUT_S,
            "reconnect_time_wait": 0.1,
            "error_cb": _ignore,
        }
        try:
            # The one that is kept connects again for ever, from its first attempt on: whether it
            # can at all is for another one to find out.
            async with asyncio.timeout(_CONNECT_TIMEOUT_S):
                probe = await _connected(
                    url, options, allow_reconnect=False, max_reconnect_attempts=1
                )
            await probe.close()
            # A message that waits for a lost connection is not confirmed, and better known as such
            # than sent later.
            client = await _connected(url, options, max_reconnect_attempts=-1, pending_size=0)
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
        headers = {
            "Nats-Msg-Id": message.id,
            "Outbox-Aggregate": f"{message.aggregate_type}/{message.aggregate_id}",
            "Outbox-Version": str(message.version),
        }
        payload = message.state.encode()
        self._require_publishable(message.topic, payload, headers)
        try:
            await self._stream.publish(f"{SUBJECT_PREFIX}{message.topic}", payload, headers=headers)
        except APIError as error:
            if error.code in _BUSY_CODES:
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

    def _require_publishable(self, topic: str, payload: bytes, headers: dict[str, str]) -> None:
        # The server would not answer these: it drops the connection, and with it what others sent.
        if not _TOPIC.fullmatch(topic):
            raise MessageRefused(f"the topic {topic!r} is no subject of NATS")
        size = len(payload) + _FRAME_BYTES
        size += sum(len(name) + len(value) + _HEADER_BYTES for name, value in headers.items())
        if size > self._client.max_payload:
            raise MessageRefused(
                f"the message takes {size:,} bytes, and NATS allows {self._client.max_payload:,}"
            )

    async def close(self) -> None:
        """Disconnect."""
        await self._client.close()


async def _connected(url: str, options: dict[str, Any], **more: Any) -> Client:
    client = Client()
    try:
        await client.connect(url, **options, **more)
    except BaseException:
        # Its own `close` is for connections that succeeded, and leaves a refused one open.
        if client._transport is not None:
            client._transport.close()  # type: ignore[no-untyped-call]
        raise
    return client


async def _ignore(_: Exception) -> None:
    """Errors of the connection: whoever publishes meets them as well."""


def _named(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}"
