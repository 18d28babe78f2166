"""Publishes to a stream of NATS, and awaits what the stream says to each message.

nats-py's own `publish` gives every message a timer, random bytes for a token and a parsed answer.
Here a token is a number, one timer looks at all that is unconfirmed, and of an answer all that
counts is whether it tells of an error.
"""

from __future__ import annotations

import json
from asyncio import get_running_loop
from functools import partial
from itertools import count
from typing import TYPE_CHECKING, Self

from nats.errors import TimeoutError as NatsTimeoutError
from nats.js.errors import APIError, NoStreamResponseError

from outboxbench.core.application.answers import AnswerWatch

if TYPE_CHECKING:
    from asyncio import Future

    from nats.aio.client import Client
    from nats.aio.msg import Msg


class ConfirmingPublisher:
    """Publishes over one connection, as many messages at a time as it is given.

    Args:
        client: connected; it has the subscription that this adds for as long as it lives.
        limit_s: no confirmation takes longer.
    """

    def __init__(self, client: Client, limit_s: float) -> None:
        self.client = client
        self._watch = AnswerWatch(limit_s)
        self._inbox = f"{client.new_inbox()}."
        self._numbers = count()
        self._awaited: dict[str, Future[Msg]] = {}

    @classmethod
    async def open(cls, client: Client, limit_s: float) -> Self:
        """Return one that hears what streams answer."""
        publisher = cls(client, limit_s)
        await client.subscribe(f"{publisher._inbox}*", cb=publisher._hear)
        return publisher

    async def publish(self, subject: str, payload: bytes, headers: dict[str, str]) -> None:
        """Return once a stream has stored the message, or knows that it had.

        Raises:
            nats.js.errors.NoStreamResponseError: no stream listens to the subject.
            nats.js.errors.APIError: the stream refuses the message.
            nats.errors.Error: the message could not be sent, or was not confirmed in time.
        """
        token = str(next(self._numbers))
        confirmation: Future[Msg] = get_running_loop().create_future()
        awaited = self._watch.awaited(partial(_give_up, confirmation))
        awaited.looks = 0
        self._awaited[token] = confirmation
        try:
            await self.client.publish(subject, payload, self._inbox + token, headers)
            answer = await confirmation
        finally:
            del self._awaited[token]
        if not answer.data:
            # Whom nobody listens to is told so by a header alone.
            raise NoStreamResponseError
        told = json.loads(answer.data)
        if "error" in told:
            APIError.from_error(told["error"])

    async def _hear(self, answer: Msg) -> None:
        confirmation = self._awaited.get(answer.subject.removeprefix(self._inbox))
        if confirmation is not None and not confirmation.done():
            confirmation.set_result(answer)


def _give_up(confirmation: Future[Msg]) -> None:
    if not confirmation.done():
        confirmation.set_exception(NatsTimeoutError())
