"""Reads a whole database into a history: every message, every aggregate, every inbox entry."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from outboxbench.harness.postgres.server import connect
from outboxbench.results.history import AggregateLine, InboxLine, MessageLine

if TYPE_CHECKING:
    from collections.abc import Iterator

    from outboxbench.core.strategies.settings import DatabaseAddress

_ROWS_AT_ONCE: Final = 10_000

# What a message moves, as the account that it is of sees it.
_MESSAGES: Final = """
    SELECT op_id, ordinal, aggregate_type, aggregate_id, version, topic, audience,
           CASE topic WHEN 'account.deposited' THEN (state ->> 'amount_cents')::bigint
                      WHEN 'account.charged' THEN -(state ->> 'amount_cents')::bigint END,
           created_at < %(began)s
    FROM {table} ORDER BY created_at, op_id, ordinal"""

_AGGREGATES: Final = """
    SELECT 'account', id, version, balance_cents FROM accounts
    UNION ALL SELECT 'order', id, version, NULL FROM orders"""

_INBOX: Final = "SELECT handler, op_id, ordinal FROM inbox"


def read_whole_state(
    address: DatabaseAddress, began: object, messages: str = "outbox"
) -> Iterator[MessageLine | AggregateLine | InboxLine]:
    """Yield everything, of one snapshot, in a memory that does not grow with it.

    `began` is a timestamp of the server's; messages that were stored before it are older.
    `messages` is the table that has all of them.
    """
    with connect(address) as connection:
        connection.autocommit = False
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")

        def rows(query: str) -> Iterator[tuple[Any, ...]]:
            with connection.cursor("whole_state") as cursor:
                cursor.itersize = _ROWS_AT_ONCE
                yield from cursor.execute(query.encode(), {"began": began})

        for op_id, ordinal, kind, aggregate, *rest in rows(_MESSAGES.format(table=messages)):
            yield MessageLine(op_id.hex, ordinal, kind, aggregate.hex, *rest)
        for kind, aggregate, *rest in rows(_AGGREGATES):
            yield AggregateLine(kind, aggregate.hex, *rest)
        for handler, op_id, ordinal in rows(_INBOX):
            yield InboxLine(handler, op_id.hex, ordinal)
