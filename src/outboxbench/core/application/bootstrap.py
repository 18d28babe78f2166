"""Puts the application together over an opened strategy."""

from __future__ import annotations

from typing import TYPE_CHECKING

from outboxbench.core.application.delivery import Delivery
from outboxbench.core.application.handlers import COMMAND_HANDLERS, EVENT_HANDLERS
from outboxbench.core.application.internal_delivery import InternalDelivery
from outboxbench.core.application.message_bus import MessageBus
from outboxbench.core.application.retry import RetryPolicy

if TYPE_CHECKING:
    from outboxbench.core.application.ports import Broker, Outbox, UnitsOfWork


def bootstrap(units: UnitsOfWork) -> MessageBus:
    """Return a bus whose handlers work in these units of work."""
    return MessageBus(units.unit_of_work, COMMAND_HANDLERS, EVENT_HANDLERS)


def bootstrap_delivery(
    units: UnitsOfWork, outbox: Outbox, broker: Broker, *, concurrency: int
) -> Delivery:
    """Return what delivers to the handlers of a bus, so many at a time, and to a broker."""
    internal = InternalDelivery(
        bootstrap(units), EVENT_HANDLERS, outbox.was_handled, RetryPolicy(), concurrency
    )
    return Delivery(internal, broker)
