"""A torn read, a root of one version with children of another, is never committed."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING
from uuid import UUID, uuid4

from outboxbench.core.application.outcome import Attempt, FailureKind, failure_kind
from outboxbench.testing.steps import new_order

if TYPE_CHECKING:
    import asyncpg

    from outboxbench.core.application.ports import Persistence
    from outboxbench.core.domain.ordering import Order
    from outboxbench.testing.postgres_arena import PostgresArena

# What another writer does: lines, root and message in one transaction.
CHANGE_SQL = """
    WITH line AS (
        UPDATE order_lines SET quantity = 100 WHERE order_id = $1 AND line_no = 1
    ), root AS (
        UPDATE orders SET version = version + 1, tags = '{changed}' WHERE id = $1
        RETURNING version
    )
    INSERT INTO outbox
        (op_id, ordinal, aggregate_type, aggregate_id, version, topic, audience, state)
    SELECT $2, 0, 'order', $1, version, 'order.line_changed', 2, '{}' FROM root
"""


class Reads:
    """A reader is held between its reads, while somebody else changes the whole aggregate."""

    async def test_a_change_between_reading_the_order_and_its_lines_is_never_overlooked(
        self, arena: PostgresArena
    ) -> None:
        await _read_around_a_change(arena, locked_table="order_lines")

    async def test_a_change_between_reading_the_lines_and_their_order_is_never_overlooked(
        self, arena: PostgresArena
    ) -> None:
        await _read_around_a_change(arena, locked_table="orders")


async def _read_around_a_change(arena: PostgresArena, locked_table: str) -> None:
    persistence = await arena.open()
    order = await new_order(persistence)
    outsider: asyncpg.Connection = await arena.outsider()
    attempt = Attempt(uuid4())
    async with outsider.transaction():
        await outsider.execute(f"LOCK TABLE {locked_table} IN ACCESS EXCLUSIVE MODE")
        reader = asyncio.create_task(_confirm(persistence, order.id, attempt))
        await arena.blocked_backend()
        await outsider.execute(CHANGE_SQL, order.id, uuid4())
    await asyncio.wait([reader])
    error = reader.exception()
    await _assert_consistent(arena, order, attempt.op_id, error)


async def _confirm(persistence: Persistence, order_id: UUID, attempt: Attempt) -> None:
    async with persistence.unit_of_work(attempt) as unit:
        order = await unit.orders.get(order_id)
        order.confirm()
        await unit.orders.save(order)
        await unit.commit()


async def _assert_consistent(
    arena: PostgresArena, order: Order, op_id: UUID, error: BaseException | None
) -> None:
    stored = await arena.order(order.id)
    assert stored is not None
    messages = await arena.messages(op_id)
    if error is not None:
        assert failure_kind(error) is FailureKind.VERSION_CONFLICT
        assert messages == []
        assert stored.version == order.version + 1
        return
    assert stored.version == order.version + 2
    assert stored.tags == ("changed",), "a torn read was committed: it undid another one's change"
    assert [message.state for message in messages] == [{"total_cents": stored.total_cents}], (
        "a torn read was committed: the message speaks of lines that the order does not have"
    )
