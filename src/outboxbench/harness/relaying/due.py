"""What relays had to deliver, and what they delivered, in the form that the checks read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from outboxbench.core.domain.message import Audience
from outboxbench.results.deliveries import Deliveries, Place

if TYPE_CHECKING:
    from collections.abc import Iterable

    import psycopg
    from numpy.typing import NDArray

    from outboxbench.results.deliveries import MessageKey

# What a template brought along was delivered before.
_DUE: Final = """
    SELECT op_id, ordinal, aggregate_id, version FROM outbox
    WHERE audience & %(audience)s > 0 AND created_at >= %(since)s
"""


def due_messages(
    connection: psycopg.Connection[tuple[Any, ...]],
    since: object,
    audience: Audience = Audience.EVERYBODY,
) -> dict[MessageKey, Place]:
    """Return every message for one of an audience that was committed since; none is deleted."""
    rows = connection.execute(_DUE, {"since": since, "audience": audience.value})
    return {
        (op_id, ordinal): Place(aggregate_id, version, ordinal)
        for op_id, ordinal, aggregate_id, version in rows
    }


def due_by_operations(
    placed: Iterable[UUID], others: Iterable[UUID], deliveries: NDArray[Any]
) -> dict[MessageKey, Place]:
    """Return the messages of committed operations, where they are deleted once delivered.

    Who places an order tells handlers, and the warehouse; all else in a chain has one message.
    Places are as they were delivered; those of what never was do not matter.
    """
    due = dict.fromkeys(
        [
            *((op_id, ordinal) for op_id in placed for ordinal in (0, 1)),
            *((op_id, 0) for op_id in others),
        ],
        Place(UUID(int=0), 0, 0),
    )
    due.update((key, place) for key, place in _received(deliveries) if key in due)
    return due


def received(due: dict[MessageKey, Place], deliveries: NDArray[Any]) -> Deliveries:
    """Return what was due beside what arrived, in the order of arrival."""
    ordered = deliveries[deliveries["delivered_ns"].argsort(kind="stable")]
    return Deliveries(due, [key for key, _ in _received(ordered)])


def _received(deliveries: NDArray[Any]) -> list[tuple[MessageKey, Place]]:
    found = []
    for record in deliveries:
        ordinal = int(record["ordinal"])
        key = (UUID(bytes=record["op_id"].tobytes()), ordinal)
        aggregate_id = UUID(bytes=record["aggregate_id"].tobytes())
        found.append((key, Place(aggregate_id, int(record["version"]), ordinal)))
    return found
