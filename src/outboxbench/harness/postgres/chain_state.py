"""Reads what became of every order: placed, charged for, closed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from outboxbench.harness.postgres.server import connect
from outboxbench.results.deliveries import Chain

if TYPE_CHECKING:
    from outboxbench.core.strategies.settings import DatabaseAddress

# By the messages that are kept: only a plan that deletes none of them can be judged by these.
_CHAIN: Final = """
    WITH answer AS (
        SELECT (state ->> 'order_id')::uuid AS id, count(*) AS answers,
               bool_or(topic = 'account.charged') AS is_paid
        FROM outbox WHERE topic IN ('account.charged', 'account.charge_rejected')
        GROUP BY 1
    ), placed AS (
        SELECT orders.id, status, answers, is_paid
        FROM orders JOIN outbox ON aggregate_id = orders.id AND topic = 'order.placed'
            AND created_at >= %(since)s
        LEFT JOIN answer ON answer.id = orders.id
    )
    SELECT count(*),
           count(*) FILTER (WHERE answers IS NULL),
           count(*) FILTER (WHERE answers > 1),
           count(*) FILTER (WHERE answers IS NOT NULL AND status = 'placed'),
           count(*) FILTER (WHERE status <> 'placed'
                              AND (status = 'confirmed') IS DISTINCT FROM is_paid)
    FROM placed"""


def read_chain(address: DatabaseAddress, since: object = "-infinity") -> Chain:
    """Count the orders that were placed since a moment by how far they came.

    `since` is a timestamp, or a text that PostgreSQL reads as one.
    """
    with connect(address) as connection:
        row = connection.execute(_CHAIN, {"since": since}).fetchone()
    if row is None:
        raise ValueError("a query without GROUP BY has no row")
    return Chain(*row)
