"""A change as one data-modifying statement: state and messages, or neither.

The messages are inserted from the row that the versioned update returns. Where it hits nothing, no
message is inserted, and the count tells. Atomic by construction, in a transaction or without one.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from outboxbench.core.domain.ordering import Order
from outboxbench.core.domain.payments import Account
from outboxbench.core.strategies.rows import inbox_row, line_changes

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from outboxbench.core.application.unit_of_work import Change
    from outboxbench.core.domain.ordering import OrderLine

# One snapshot for the root and its lines, so that not even a torn read is possible.
SELECT_WHOLE_ORDER: Final = """
    SELECT orders.id, version, account_id, status, tags,
           line_no, sku, quantity, unit_price_cents
    FROM orders LEFT JOIN order_lines ON order_id = orders.id
    WHERE orders.id = $1 ORDER BY line_no"""


@dataclass(frozen=True, eq=False, slots=True)
class RootStatement:
    """Writes an aggregate as the part `root` of a statement that still lacks its messages.

    The op_id is its first parameter, though only the messages bear it; theirs follow the last one.
    """

    aggregate_type: str
    parameters: int
    sql: str


INSERT_ACCOUNT: Final = RootStatement(
    "account",
    4,
    """
    WITH root AS (
        INSERT INTO accounts (id, version, balance_cents) VALUES ($2, $3, $4)
        RETURNING id, version
    )""",
)

UPDATE_ACCOUNT: Final = RootStatement(
    "account",
    5,
    """
    WITH root AS (
        UPDATE accounts SET version = $4, balance_cents = $5 WHERE id = $2 AND version = $3
        RETURNING id, version
    )""",
)

INSERT_ORDER: Final = RootStatement(
    "order",
    10,
    """
    WITH root AS (
        INSERT INTO orders (id, version, account_id, status, tags) VALUES ($2, $3, $4, $5, $6)
        RETURNING id, version
    ), added AS (
        INSERT INTO order_lines (order_id, line_no, sku, quantity, unit_price_cents)
        SELECT root.id, line.*
        FROM root CROSS JOIN unnest($7::integer[], $8::text[], $9::integer[], $10::bigint[])
            AS line
    )""",
)

# A line that is written is a new one or has new values; the root's row lock keeps other writers of
# the same order out, so ON CONFLICT hides nothing.
UPDATE_ORDER: Final = RootStatement(
    "order",
    11,
    """
    WITH root AS (
        UPDATE orders SET version = $4, status = $5, tags = $6 WHERE id = $2 AND version = $3
        RETURNING id, version
    ), written AS (
        INSERT INTO order_lines (order_id, line_no, sku, quantity, unit_price_cents)
        SELECT root.id, line.*
        FROM root CROSS JOIN unnest($7::integer[], $8::text[], $9::integer[], $10::bigint[])
            AS line
        ON CONFLICT (order_id, line_no) DO UPDATE
        SET sku = excluded.sku, quantity = excluded.quantity,
            unit_price_cents = excluded.unit_price_cents
    ), removed AS (
        DELETE FROM order_lines USING root
        WHERE order_id = root.id AND line_no = ANY ($11::integer[])
    )""",
)


@cache
def with_messages(root: RootStatement, count: int, *, handles_message: bool) -> str:
    """Return the whole statement, for a change that raised so many messages.

    Where the change handles a message, the parameters of its inbox entry are the last three.

    They are rows of VALUES and no arrays: drivers are slow to encode an array, and a change seldom
    raises more than two.
    """
    first = root.parameters + 1
    rows = ", ".join(
        f"({ordinal}::smallint, ${number}::text, ${number + 1}::smallint, ${number + 2}::text)"
        for ordinal, number in enumerate(range(first, first + 3 * count, 3))
    )
    entry = first + 3 * count
    handled = f""", handled AS (
        INSERT INTO inbox (handler, op_id, ordinal)
        SELECT ${entry}::text, ${entry + 1}::uuid, ${entry + 2}::smallint FROM root
    )"""
    return f"""{root.sql}{handled if handles_message else ""}
    INSERT INTO outbox
        (op_id, ordinal, aggregate_type, aggregate_id, version, topic, audience, state)
    SELECT $1, message.ordinal, '{root.aggregate_type}', root.id, root.version,
           message.topic, message.audience, message.state::jsonb
    FROM root CROSS JOIN (VALUES {rows}) AS message (ordinal, topic, audience, state)"""


def whole_change(
    change: Change, states: Sequence[str], stored_lines: Mapping[int, OrderLine]
) -> tuple[str, tuple[Any, ...]]:
    """Return the statement that stores a change, and its parameters.

    Args:
        change: what to store.
        states: those of its messages, encoded.
        stored_lines: the lines that an order was loaded with; none for a new one.

    The statement inserts as many rows as there are messages, or none where the version that was
    read is no longer the stored one.
    """
    match change.aggregate:
        case Account() as account:
            root, written = _account(account, is_new=change.is_new)
        case Order() as order:
            root, written = _order(order, stored_lines, is_new=change.is_new)
        case other:
            raise TypeError(f"nothing stores a {type(other).__name__}")
    parameters = [change.op_id, *written]
    for message, state in zip(change.messages, states, strict=True):
        parameters += (message.topic, message.audience.value, state)
    if change.inbox is not None:
        parameters += inbox_row(change.inbox)
    statement = with_messages(root, len(change.messages), handles_message=change.inbox is not None)
    return statement, tuple(parameters)


def _account(account: Account, *, is_new: bool) -> tuple[RootStatement, tuple[Any, ...]]:
    written = (account.next_version, account.balance_cents)
    if is_new:
        return INSERT_ACCOUNT, (account.id, *written)
    return UPDATE_ACCOUNT, (account.id, account.version, *written)


def _order(
    order: Order, stored_lines: Mapping[int, OrderLine], *, is_new: bool
) -> tuple[RootStatement, tuple[Any, ...]]:
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
        return INSERT_ORDER, (*root, *columns)
    root_change = (order.id, order.version, order.next_version, status, tags)
    return UPDATE_ORDER, (*root_change, *columns, lines.removed)
