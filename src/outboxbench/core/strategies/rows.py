"""From aggregates to the values of their rows, in the order of the statements' parameters."""

from __future__ import annotations

import json
from dataclasses import dataclass
from importlib import resources
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from uuid import UUID

    from outboxbench.core.application.inbox import InboxEntry
    from outboxbench.core.application.unit_of_work import Change
    from outboxbench.core.domain.message import State
    from outboxbench.core.domain.ordering import OrderLine

OPERATION_CONSTRAINT = "outbox_operation"
"""The constraint that a repeated operation violates."""

KEPT_OPERATION_CONSTRAINT = "kept_operation"
"""The same, where messages are deleted once they are delivered."""

INBOX_CONSTRAINT = "inbox_entry"
"""The constraint that a handler violates which has handled the message before."""

HISTORY_CONSTRAINT = "outbox_history"
"""The constraint that is violated where another transaction took the same version first."""


def schema_sql() -> str:
    """Return the statements that create the tables in an empty database."""
    return resources.files(__package__).joinpath("schema.sql").read_text(encoding="utf-8")


# One encoder for every strategy: a table compares libraries, not JSON encoders.
_ENCODER = json.JSONEncoder(separators=(",", ":"))


def encode_state(state: State) -> str:
    """Encode the state of a message as JSON."""
    return _ENCODER.encode(state)


def encode_states(change: Change) -> list[str]:
    """Encode the state of every message of a change."""
    return [encode_state(message.state()) for message in change.messages]


def encode_tags(tags: Sequence[str]) -> str:
    """Encode tags as JSON, for a statement that takes those of many orders."""
    return _ENCODER.encode(tags)


def message_rows(change: Change) -> list[tuple[UUID, int, str, UUID, int, str, int, State]]:
    """Return a row for each message: the parameters of INSERT_MESSAGE, the state not encoded."""
    aggregate_type = change.aggregate.aggregate_type
    return [
        (
            change.op_id,
            ordinal,
            aggregate_type,
            message.aggregate_id,
            message.version,
            message.topic,
            message.audience.value,
            message.state(),
        )
        for ordinal, message in enumerate(change.messages)
    ]


def inbox_row(entry: InboxEntry) -> tuple[str, UUID, int]:
    """Return the parameters of INSERT_INBOX_ENTRY."""
    return (entry.handler, entry.op_id, entry.ordinal)


@dataclass(frozen=True, slots=True)
class LineChanges:
    """How the lines of an order differ from the stored ones."""

    added: list[OrderLine]
    changed: list[OrderLine]
    removed: list[int]


def line_changes(stored: Mapping[int, OrderLine], current: Mapping[int, OrderLine]) -> LineChanges:
    """Compare the lines of an order with those that were loaded (none for a new order)."""
    return LineChanges(
        added=[line for number, line in current.items() if number not in stored],
        changed=[
            line for number, line in current.items() if number in stored and stored[number] != line
        ],
        removed=[number for number in stored if number not in current],
    )


def order_line_row(order_id: UUID, line: OrderLine) -> tuple[Any, ...]:
    """Return the parameters of INSERT_ORDER_LINE and of UPDATE_ORDER_LINE."""
    return (order_id, line.line_no, line.sku, line.quantity, line.unit_price_cents)
