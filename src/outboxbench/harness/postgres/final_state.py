"""Reads what a database holds after a block; one snapshot, nothing of it on the timed path."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from outboxbench.harness.errors import CannotRun
from outboxbench.harness.postgres.server import connect
from outboxbench.results.final_state import FinalState

if TYPE_CHECKING:
    import psycopg

    from outboxbench.core.strategies.settings import DatabaseAddress

_OPERATIONS = "SELECT count(DISTINCT op_id) FROM outbox"

_MESSAGES_BY_TOPIC = "SELECT topic, count(*) FROM outbox GROUP BY topic"

_BALANCE_CENTS = "SELECT coalesce(sum(balance_cents), 0)::bigint FROM accounts"

_ACCOUNTS_OFF_BALANCE = """
    SELECT count(*)
    FROM accounts
    LEFT JOIN (
        SELECT aggregate_id,
               sum(CASE topic WHEN 'account.deposited' THEN (state ->> 'amount_cents')::bigint
                              WHEN 'account.charged' THEN -(state ->> 'amount_cents')::bigint
                              ELSE 0 END) AS cents
        FROM outbox WHERE aggregate_type = 'account' GROUP BY aggregate_id
    ) AS told ON told.aggregate_id = accounts.id
    WHERE accounts.balance_cents IS DISTINCT FROM coalesce(told.cents, 0)
"""

# A new order's lines are told in one message, any later change of a line in one of its own.
_ORDER_LINES_OFF_MESSAGES = """
    WITH told AS (
        SELECT DISTINCT ON (order_id, line_no) *
        FROM (
            SELECT aggregate_id AS order_id, version, ordinal, topic, line.*
            FROM outbox CROSS JOIN LATERAL jsonb_to_recordset(
                CASE topic WHEN 'order.stock_requested' THEN state -> 'lines'
                           ELSE jsonb_build_array(state) END
            ) AS line (line_no integer, sku text, quantity integer, unit_price_cents bigint)
            WHERE topic IN ('order.stock_requested', 'order.line_added', 'order.line_changed',
                            'order.line_removed')
        ) AS message
        ORDER BY order_id, line_no, version DESC, ordinal DESC
    ), due AS (
        SELECT * FROM told WHERE topic <> 'order.line_removed'
    )
    SELECT count(*)
    FROM due FULL JOIN order_lines AS stored USING (order_id, line_no)
    WHERE (due.sku, due.quantity, due.unit_price_cents)
        IS DISTINCT FROM (stored.sku, stored.quantity, stored.unit_price_cents)
"""

# Ordinals of one version count from 0, as do those of one operation.
_HISTORIES = """
    WITH stored AS (
        SELECT 'account' AS aggregate_type, id, version FROM accounts
        UNION ALL SELECT 'order', id, version FROM orders
    ), told AS (
        SELECT aggregate_type, aggregate_id AS id, min(version) AS first, max(version) AS last,
               count(DISTINCT version) AS versions, count(*) AS messages
        FROM outbox GROUP BY aggregate_type, aggregate_id
    )
    SELECT count(*) FILTER (WHERE stored.id IS NOT NULL AND (
               told.id IS NULL OR told.first <> 1 OR told.last <> stored.version
               OR told.versions <> stored.version)),
           coalesce(sum(told.messages) FILTER (WHERE stored.id IS NULL), 0)
    FROM stored FULL JOIN told USING (aggregate_type, id)
"""

_OPERATIONS_WITH_GAPS = """
    SELECT count(*) FROM (
        SELECT op_id FROM outbox GROUP BY op_id
        HAVING min(ordinal) <> 0 OR max(ordinal) <> count(*) - 1
            OR count(DISTINCT (aggregate_type, aggregate_id, version)) <> 1
    ) AS broken
"""

_OTHER_BACKENDS = """
    SELECT count(*) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid()
      AND backend_type = 'client backend'
"""

_POLL_S = 0.005
_UNUSED_TIMEOUT_S = 30.0


def wait_until_unused(address: DatabaseAddress) -> None:
    """Wait until no client of the block is connected: only then is its last word spoken.

    Raises:
        CannotRun: a backend stays, though its client is gone.
    """
    deadline_s = time.monotonic() + _UNUSED_TIMEOUT_S
    with connect(address) as connection:
        while _row(connection, _OTHER_BACKENDS)[0]:
            if time.monotonic() > deadline_s:
                raise CannotRun(
                    f"the server still has connections to {address.database} after "
                    f"{_UNUSED_TIMEOUT_S:.0f} s: see pg_stat_activity for what they wait for"
                )
            time.sleep(_POLL_S)


def read_final_state(address: DatabaseAddress) -> FinalState:
    """Read the whole database in one repeatable-read snapshot."""
    with connect(address) as connection:
        connection.autocommit = False
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        gaps, orphans = _row(connection, _HISTORIES)
        return FinalState(
            operations=_row(connection, _OPERATIONS)[0],
            messages_by_topic=dict(connection.execute(_MESSAGES_BY_TOPIC).fetchall()),
            balance_cents=_row(connection, _BALANCE_CENTS)[0],
            accounts_off_balance=_row(connection, _ACCOUNTS_OFF_BALANCE)[0],
            order_lines_off_messages=_row(connection, _ORDER_LINES_OFF_MESSAGES)[0],
            aggregates_with_gaps=gaps,
            orphaned_messages=int(orphans),
            operations_with_gaps=_row(connection, _OPERATIONS_WITH_GAPS)[0],
        )


def _row(connection: psycopg.Connection[Any], query: str) -> tuple[Any, ...]:
    row = connection.execute(query).fetchone()
    if row is None:
        raise ValueError(f"no row for {query}")
    result: tuple[Any, ...] = row
    return result
