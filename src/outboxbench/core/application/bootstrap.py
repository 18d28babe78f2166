"""Puts the application together over an opened strategy."""

from __future__ import annotations

from typing import TYPE_CHECKING

from outboxbench.core.application.handlers import COMMAND_HANDLERS, EVENT_HANDLERS
from outboxbench.core.application.message_bus import MessageBus

if TYPE_CHECKING:
    from outboxbench.core.application.ports import Persistence


def bootstrap(persistence: Persistence) -> MessageBus:
    """Return a bus whose handlers work on this persistence."""
    return MessageBus(persistence.unit_of_work, COMMAND_HANDLERS, EVENT_HANDLERS)
