"""What a relay had to deliver and what it delivered, as the checks read it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from uuid import UUID

MessageKey: TypeAlias = "tuple[UUID, int]"
"""The operation that stored a message, and the message's ordinal in it."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a message stands in the history of its aggregate."""

    aggregate_id: UUID
    version: int
    ordinal: int


@dataclass(frozen=True, slots=True)
class Deliveries:
    """What one receiver was due, and what it was given.

    `due` are the messages that were committed for it; `received` holds what arrived, in the order
    of arrival, a message that came twice two times.
    """

    due: Mapping[MessageKey, Place]
    received: Sequence[MessageKey]


@dataclass(frozen=True, slots=True)
class Chain:
    """What became of the orders of a database, by what follows from the placing of one."""

    placed: int
    unanswered: int
    """Orders whose account neither was charged nor refused to be."""
    charged_twice: int
    """Orders with more than one answer."""
    open: int
    """Orders that are answered, and neither confirmed nor cancelled."""
    closed_wrongly: int
    """Orders that are confirmed though the charge was rejected, or cancelled though it was not."""


@dataclass(frozen=True, slots=True)
class Relayed:
    """What relays made of what their clients had committed, once they were through.

    `handled` are operations that handlers committed; `to_broker` are the messages for the outside.
    """

    handled: int
    to_broker: Deliveries
    chain: Chain
