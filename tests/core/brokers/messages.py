"""Messages as an outbox hands them over."""

from __future__ import annotations

from uuid import UUID, uuid4

from outboxbench.core.application.outbox import OutboxMessage


def message_of(
    aggregate_id: UUID | None = None,
    *,
    version: int = 1,
    ordinal: int = 0,
    topic: str = "order.placed",
    state: str = '{"total_cents": 900}',
) -> OutboxMessage:
    return OutboxMessage(
        op_id=uuid4(),
        ordinal=ordinal,
        aggregate_type="order",
        aggregate_id=aggregate_id or uuid4(),
        version=version,
        topic=topic,
        audience=3,
        state=state,
    )
