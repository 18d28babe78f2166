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
from nats.errors import Error
from nats.js.api import StreamConfig
from nats.js.errors import APIError, NoStreamResponseError

from outboxbench.core.application.delivery import MessageRefused, Unavailable
from outboxbench.core.brokers.nats_confirmations import ConfirmingPublisher

if TYPE_CHECKING:
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
# As the server writes it, of which nats-py makes no class of its own while it connects.
_AUTHORIZATION_VIOLATION: Final = "authorization violation"


class LoginRefused(Unavailable):
    """The server does not know the user, or not by this password: waiting alone helps nobody."""


class NatsBroker:
    """One connection, which nats-py keeps up by itself.

    What ends it for good, as most errors that a server tells do, and a stream that is missing are
    made good before the next message: all who publish meanwhile share a single attempt.
    """

    def __init__(self, url: str, *, user: str | None, password: str | None) -> None:
        self._url = url
        self._options: dict[str, Any] = {
            "user": user,
            "password": password,
            "name": "outboxbench relay",
            "connect_timeout": _CONNECT_TIMEOUT_S,
            "reconnect_time_wait": 0.1,
            "error_cb": _ignore,
            # Topics are looked at below, and the other subjects are nobody else's.
            "skip_subject_validation": True,
        }
        self._publisher: ConfirmingPublisher | None = None
        self._has_stream = False
        self._attempt: asyncio.Task[ConfirmingPublisher] | None = None
        self._is_closed = False

    @classmethod
    async def connect(
        cls, url: str, *, user: str | None = None, password: str | None = None
    ) -> Self:
        """Connect, and make sure that the stream is there.

        Raises:
            LoginRefused: the server lets nobody in by this name and password.
            Unavailable: no server answers at `url`, or it keeps no streams.
        """
        broker = cls(url, user=user, password=password)
        try:
            await broker._open_stream()
        except BaseException:
            await broker.close()
            raise
        return broker

    async def publish(self, message: OutboxMessage) -> None:
        """Return once the stream has stored the message, or knows that it had."""
        headers = {
            "Nats-Msg-Id": message.id,
            "Outbox-Aggregate": f"{message.aggregate_type}/{message.aggregate_id}",
            "Outbox-Version": str(message.version),
        }
        payload = message.state.encode()
        publisher = self._publisher
        if publisher is None or publisher.client.is_closed or not self._has_stream:
            publisher = await self._open_stream()
        _require_publishable(message.topic, payload, headers, publisher.client.max_payload)
        try:
            await publisher.publish(f"{SUBJECT_PREFIX}{message.topic}", payload, headers)
        except NoStreamResponseError as error:
            self._has_stream = False
            raise Unavailable(f"NATS has no stream {STREAM}: it is made anew") from error
        except APIError as error:
            if error.code in _BUSY_CODES:
                raise Unavailable(_named(error)) from error
            raise MessageRefused(f"NATS refused it with {_named(error)}") from error
        except (Error, OSError, TimeoutError) as error:
            raise Unavailable(f"NATS did not confirm: {_named(error)}") from error

    async def close(self) -> None:
        """Disconnect."""
        self._is_closed = True
        if self._attempt is not None:
            self._attempt.cancel()
            await asyncio.wait((self._attempt,))
        if self._publisher is not None:
            await self._publisher.client.close()

    async def _open_stream(self) -> ConfirmingPublisher:
        """Connect where that is needed, and make sure that the stream is there, once for all."""
        if self._is_closed:
            raise Unavailable("the connection to NATS was closed")
        if self._attempt is None or self._attempt.done():
            self._attempt = asyncio.create_task(self._connect_and_add_stream())
        # Who gives up must not take the attempt away from others.
        return await asyncio.shield(self._attempt)

    async def _connect_and_add_stream(self) -> ConfirmingPublisher:
        try:
            publisher = self._publisher
            if publisher is None or publisher.client.is_closed:
                publisher = self._publisher = await self._connected_publisher()
            await publisher.client.jetstream(timeout=_CONFIRM_TIMEOUT_S).add_stream(
                StreamConfig(
                    name=STREAM,
                    subjects=[f"{SUBJECT_PREFIX}>"],
                    duplicate_window=DUPLICATE_WINDOW_S,
                )
            )
        except (Error, OSError, TimeoutError) as error:
            if _AUTHORIZATION_VIOLATION in str(error).lower():
                raise LoginRefused(
                    f"NATS at {self._url} refuses the user name or the password"
                ) from error
            raise Unavailable(f"NATS at {self._url} cannot be used: {_named(error)}") from error
        self._has_stream = True
        return publisher

    async def _connected_publisher(self) -> ConfirmingPublisher:
        client = await self._connected_client()
        try:
            return await ConfirmingPublisher.open(client, _CONFIRM_TIMEOUT_S)
        except BaseException:
            await client.close()
            raise

    async def _connected_client(self) -> Client:
        async with asyncio.timeout(_CONNECT_TIMEOUT_S):
            # The one that is kept connects again for ever, from its first attempt on: whether it
            # can at all is for another one to find out.
            probe = await _connected(
                self._url, self._options, allow_reconnect=False, max_reconnect_attempts=1
            )
            await probe.close()
            # A message that waits for a lost connection is not confirmed, and better known as such
            # than sent later.
            return await _connected(
                self._url, self._options, max_reconnect_attempts=-1, pending_size=0
            )


def _require_publishable(
    topic: str, payload: bytes, headers: dict[str, str], max_bytes: int
) -> None:
    # The server would not answer these: it drops the connection, and with it what others sent.
    if not _TOPIC.fullmatch(topic):
        raise MessageRefused(f"the topic {topic!r} is no subject of NATS")
    size = len(payload) + _FRAME_BYTES
    size += sum(len(name) + len(value) + _HEADER_BYTES for name, value in headers.items())
    if size > max_bytes:
        raise MessageRefused(f"the message takes {size:,} bytes, and NATS allows {max_bytes:,}")


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
