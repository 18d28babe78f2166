"""Brings one message to all who are to hear of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from outboxbench.core.domain.message import Audience

if TYPE_CHECKING:
    from outboxbench.core.application.internal_delivery import InternalDelivery
    from outboxbench.core.application.outbox import OutboxMessage
    from outboxbench.core.application.ports import Broker

_INTERNAL = Audience.INTERNAL.value
_EXTERNAL = Audience.EXTERNAL.value


class MessageRefused(Exception):
    """A receiver will not take this message; it may at another time."""


class HeldUp(MessageRefused):
    """Others stand in the way of this message, of whose rows they hold a lock. It does not die."""


class Unavailable(Exception):
    """A receiver cannot be reached; that says nothing about the message."""


class Delivery:
    """Delivers to internal handlers first and then to the broker, each as the audience has it.

    Where one of them fails the message is not delivered, and both see it again: handlers know by
    their inbox that they have handled it, receivers beyond the broker by the message's id.
    """

    def __init__(self, internal: InternalDelivery, broker: Broker) -> None:
        self._internal = internal
        self._broker = broker

    async def deliver(self, message: OutboxMessage) -> None:
        """Return once every receiver has the message.

        Raises:
            MessageRefused: a receiver refuses it.
            Unavailable: a receiver cannot be reached.
        """
        audience = message.audience
        if audience & _INTERNAL:
            await self._internal.deliver(message)
        if audience & _EXTERNAL:
            await self._broker.publish(message)
