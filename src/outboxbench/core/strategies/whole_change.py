"""A change as one data-modifying statement: state and messages, or neither.

The messages are inserted from the row that the versioned update returns. Where it hits nothing, no
message is inserted, and the count tells. Atomic by construction, in a transaction or without one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from outboxbench.core.domain.ordering import Order
from outboxbench.core.domain.payments import Account
from outboxbench.core.strategies.rows import encode_state, line_changes

if TYPE_CHECKING:
    from collections.abc import Mapping

    from outboxbench.core.application.unit_of_work import Change
    from outboxbench.core.domain.ordering import OrderLine

# One snapshot for the root and its lines, so that not even a torn read is possible.
SELECT_WHOLE_ORDER: Final = """
    SELECT orders.id, version, account_id, status, tags,
           line_no, sku, quantity, unit_price_cents
    FROM orders LEFT JOIN order_lines ON order_id = orders.id
    WHERE orders.id = $1 ORDER BY line_no"""

# Parameters 1 to 4 are always the op_id and the messages: topics, audiences, encoded states.
_INSERT_MESSAGES: Final = """
    INSERT INTO outbox
        (op_id, ordinal, aggregate_type, aggregate_id, version, topic, audience, state)
    SELECT $1, message.position - 1, '{aggregate_type}', root.id, root.version,
           message.topic, message.audience, message.state::jsonb
    FROM root CROSS JOIN unnest($2::text[], $3::smallint[], $4::text[])
        WITH ORDINALITY AS message (topic, audience, state, position)"""

INSERT_ACCOUNT: Final = f"""
    WITH root AS (
        INSERT INTO accounts (id, version, balance_cents) VALUES ($5, $6, $7)
        RETURNING id, version
    ){_INSERT_MESSAGES.format(aggregate_type="account")}"""

UPDATE_ACCOUNT: Final = f"""
    WITH root AS (
        UPDATE accounts SET version = $7, balance_cents = $8 WHERE id = $5 AND version = $6
        RETURNING id, version
    ){_INSERT_MESSAGES.format(aggregate_type="account")}"""

INSERT_ORDER: Final = f"""
    WITH root AS (
        INSERT INTO orders (id, version, account_id, status, tags) VALUES ($5, $6, $7, $8, $9)
        RETURNING id, version
    ), added AS (
        INSERT INTO order_lines (order_id, line_no, sku, quantity, unit_price_cents)
        SELECT root.id, line.*
        FROM root CROSS JOIN unnest($10::integer[], $11::text[], $12::integer[], $13::bigint[])
            AS line
    ){_INSERT_MESSAGES.format(aggregate_type="order")}"""

# A line that is written is a new one or has new values; the root's row lock keeps other writers of
# the same order out, so ON CONFLICT hides nothing.
UPDATE_ORDER: Final = f"""
    WITH root AS (
        UPDATE orders SET version = $7, status = $8, tags = $9 WHERE id = $5 AND version = $6
        RETURNING id, version
    ), written AS (
        INSERT INTO order_lines (order_id, line_no, sku, quantity, unit_price_cents)
        SELECT root.id, line.*
        FROM root CROSS JOIN unnest($10::integer[], $11::text[], $12::integer[], $13::bigint[])
            AS line
        ON CONFLICT (order_id, line_no) DO UPDATE
        SET sku = excluded.sku, quantity = excluded.quantity,
            unit_price_cents = excluded.unit_price_cents
    ), removed AS (
        DELETE FROM order_lines USING root
        WHERE order_id = root.id AND line_no = ANY ($14::integer[])
    ){_INSERT_MESSAGES.format(aggregate_type="order")}"""


def whole_change(
    change: Change, stored_lines: Mapping[int, OrderLine]
) -> tuple[str, tuple[Any, ...]]:
    """Return the statement that stores a change, and its parameters.

    Args:
        change: what to store.
        stored_lines: the lines that an order was loaded with; none for a new one.

    The statement inserts as many rows as there are messages, or none where the version that was
    read is no longer the stored one.
    """
    messages = (
        change.op_id,
        [message.topic for message in change.messages],
        [message.audience.value for message in change.messages],
        [encode_state(message.state()) for message in change.messages],
    )
    match change.aggregate:
        case Account() as account:
            return _account(account, messages, is_new=change.is_new)
        case Order() as order:
            return _order(order, messages, stored_lines, is_new=change.is_new)
    raise TypeError(f"nothing stores a {type(change.aggregate).__name__}")


def _account(
    account: Account, messages: tuple[Any, ...], *, is_new: bool
) -> tuple[str, tuple[Any, ...]]:
    written = (account.next_version, account.balance_cents)
    if is_new:
        return INSERT_ACCOUNT, (*messages, account.id, *written)
    return UPDATE_ACCOUNT, (*messages, account.id, account.version, *written)


def _order(
    order: Order,
    messages: tuple[Any, ...],
    stored_lines: Mapping[int, OrderLine],
    *,
    is_new: bool,
) -> tuple[str, tuple[Any, ...]]:
    lines = line_changes(stored_lines, order.lines)
    written = [*lines.added, *lines.changed]
    columns = (
        [line.line_no for line in written],
        [line.sku for line in written],
        [line.quantity for line in written],
        [line.unit_price_cents for line in written],
    )
    status, tags = order.status.value, order.tags
    if is_new:
        root = (order.id, order.next_version, order.account_id, status, tags)
        return INSERT_ORDER, (*messages, *root, *columns)
    root_change = (order.id, order.version, order.next_version, status, tags)
    return UPDATE_ORDER, (*messages, *root_change, *columns, lines.removed)
