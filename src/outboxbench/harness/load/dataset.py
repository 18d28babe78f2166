"""What every fresh database holds before the clients come: accounts with money, and open orders.

Ids are counted, not drawn, so that pgbench, which only knows numbers, can name them as well.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from uuid import UUID

LINES_PER_ORDER = 3
OPENING_BALANCE_CENTS = 1_000_000_000_000
"""So much that no charge of a benchmark is ever rejected."""

_FIRST_ORDER = 10**12


@dataclass(frozen=True, slots=True)
class Dataset:
    """How many accounts and orders there are."""

    accounts: int
    orders: int


def account_id(number: int) -> UUID:
    """Return the id of account `number`, from 1: the decimal digits, read as hexadecimal."""
    return UUID(f"{number:032d}")


def order_id(number: int) -> UUID:
    """Return the id of order `number`, from 1."""
    return UUID(f"{_FIRST_ORDER + number:032d}")


@cache
def account_ids(accounts: int) -> tuple[UUID, ...]:
    """Return the ids of so many accounts, the same objects to every client of a worker.

    A list of its own for each would keep the processor's caches and the garbage collector busy.
    """
    return tuple(account_id(number) for number in range(1, accounts + 1))


@cache
def order_ids(orders: int) -> tuple[UUID, ...]:
    """Return the ids of so many orders, the same objects to every client of a worker."""
    return tuple(order_id(number) for number in range(1, orders + 1))


# Each aggregate comes with the history that its commands would have left, all of it delivered. The
# ids of the operations are as scattered as drawn ones, and the same every time: an index is filled
# alike for every run.
SEED_ACCOUNTS = """
    WITH account AS (
        INSERT INTO accounts (id, version, balance_cents)
        SELECT lpad(number::text, 32, '0')::uuid, 2, %(balance_cents)s
        FROM generate_series(1, %(accounts)s) AS number
        RETURNING id
    )
    INSERT INTO outbox
        (op_id, ordinal, aggregate_type, aggregate_id, version, topic, audience, state,
         delivered_at)
    SELECT md5(id::text || version)::uuid, 0, 'account', id, version, topic, audience, state,
           now()
    FROM account CROSS JOIN (
        VALUES (1, 'account.opened', 2, '{}'::jsonb),
               (2, 'account.deposited', 0,
                jsonb_build_object('amount_cents', %(balance_cents)s::bigint,
                                   'balance_cents', %(balance_cents)s::bigint))
    ) AS message (version, topic, audience, state)
"""

SEED_ORDERS = """
    WITH placed AS (
        INSERT INTO orders (id, version, account_id, status, tags)
        SELECT lpad((%(first_order)s + number)::text, 32, '0')::uuid, 1,
               lpad((1 + number %% %(accounts)s)::text, 32, '0')::uuid, 'placed', '{seeded}'
        FROM generate_series(1, %(orders)s) AS number
        RETURNING id, account_id
    ), line AS (
        INSERT INTO order_lines (order_id, line_no, sku, quantity, unit_price_cents)
        SELECT id, line_no, 'sku-' || line_no, line_no, 1000
        FROM placed CROSS JOIN generate_series(1, %(lines)s) AS line_no
        RETURNING order_id, line_no, sku, quantity, unit_price_cents
    ), operation AS (
        SELECT md5(id::text)::uuid AS op_id, id, account_id,
               sum(quantity * unit_price_cents) AS total_cents,
               jsonb_agg(to_jsonb(line) - 'order_id' ORDER BY line_no) AS lines
        FROM placed JOIN line ON order_id = id GROUP BY id, account_id
    )
    INSERT INTO outbox
        (op_id, ordinal, aggregate_type, aggregate_id, version, topic, audience, state,
         delivered_at)
    SELECT op_id, ordinal, 'order', id, 1, topic, audience, state, now()
    FROM operation CROSS JOIN LATERAL (
        VALUES (0, 'order.placed', 3,
                jsonb_build_object('account_id', account_id, 'total_cents', total_cents)),
               (1, 'order.stock_requested', 2, jsonb_build_object('lines', lines))
    ) AS message (ordinal, topic, audience, state)
"""


def seed_parameters(dataset: Dataset) -> dict[str, int]:
    """Return the parameters of the two seeding statements."""
    return {
        "accounts": dataset.accounts,
        "orders": dataset.orders,
        "balance_cents": OPENING_BALANCE_CENTS,
        "first_order": _FIRST_ORDER,
        "lines": LINES_PER_ORDER,
    }
