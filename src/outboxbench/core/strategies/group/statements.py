"""The SQL of the plan `group`: each statement serves any number of units of work, over arrays.

A write locks its rows in the order of their ids, so that two sessions never wait for each other. It
inserts messages from the rows that were updated or created alone, and answers with the positions of
the changes that were stored, counted from 1. A version of 0 stands for a new aggregate.
"""

from __future__ import annotations

from typing import Final

# An operation that is known already comes back among the aggregates, as an id without a version:
# every committed command has a message with ordinal 0.
_KNOWN_OPERATIONS: Final = "FROM outbox WHERE op_id = ANY ($2::uuid[]) AND ordinal = 0"

READ_ACCOUNTS: Final = f"""
    SELECT id, version, balance_cents FROM accounts WHERE id = ANY ($1::uuid[])
    UNION ALL
    SELECT op_id, NULL, NULL {_KNOWN_OPERATIONS}"""

# One snapshot for the roots and their lines, so that not even a torn read is possible.
READ_ORDERS: Final = f"""
    SELECT orders.id, version, account_id, status, tags,
           line_no, sku, quantity, unit_price_cents
    FROM orders LEFT JOIN order_lines ON order_id = orders.id
    WHERE orders.id = ANY ($1::uuid[])
    UNION ALL
    SELECT op_id, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL {_KNOWN_OPERATIONS}"""

# Parameters 1 to 3 are always the roots: ids, versions that were read, op_ids; 4 to 8 the messages:
# positions of their changes, ordinals, topics, audiences, and all their states as one JSON array,
# which costs a driver and the server less than an array of texts full of quotation marks.
_STORE: Final = """
    stored AS (
        INSERT INTO outbox
            (op_id, ordinal, aggregate_type, aggregate_id, version, topic, audience, state)
        SELECT root.op_id, message.ordinal, '{aggregate_type}', root.id, root.version,
               message.topic, message.audience, message.state
        FROM root JOIN ROWS FROM (
            unnest($4::integer[], $5::smallint[], $6::text[], $7::smallint[]),
            jsonb_array_elements($8::text::jsonb)
        ) AS message (position, ordinal, topic, audience, state) USING (position)
    )"""

# For the changes that handle a message; the columns of their inbox entries are the last parameters.
_STORE_INBOX_ENTRIES: Final = """, handled AS (
        INSERT INTO inbox (handler, op_id, ordinal)
        SELECT entry.handler, entry.op_id, entry.ordinal
        FROM root JOIN unnest(${0}::integer[], ${1}::text[], ${2}::uuid[], ${3}::smallint[])
            AS entry (position, handler, op_id, ordinal) USING (position)
    )"""

_ANSWER: Final = """
    SELECT position FROM root"""

_ACCOUNTS: Final = f"""
    WITH change AS MATERIALIZED (
        SELECT * FROM unnest($1::uuid[], $2::integer[], $3::uuid[], $9::bigint[])
            WITH ORDINALITY AS change (id, version, op_id, balance_cents, position)
    ), held AS MATERIALIZED (
        SELECT change.* FROM change JOIN accounts USING (id, version)
        ORDER BY id FOR NO KEY UPDATE OF accounts
    ), updated AS (
        UPDATE accounts SET version = held.version + 1, balance_cents = held.balance_cents
        FROM held WHERE accounts.id = held.id AND accounts.version = held.version
        RETURNING accounts.id, accounts.version, held.op_id, held.position
    ), created AS (
        INSERT INTO accounts (id, version, balance_cents)
        SELECT id, 1, balance_cents FROM change WHERE version = 0 ORDER BY id
        ON CONFLICT (id) DO NOTHING
        RETURNING id, version
    ), root AS (
        SELECT id, version, op_id, position FROM updated
        UNION ALL
        SELECT id, created.version, op_id, position FROM created JOIN change USING (id)
    ),{_STORE.format(aggregate_type="account")}"""

WRITE_ACCOUNTS: Final = _ACCOUNTS + _ANSWER
WRITE_HANDLED_ACCOUNTS: Final = _ACCOUNTS + _STORE_INBOX_ENTRIES.format(10, 11, 12, 13) + _ANSWER

# Lines come with the position of their order. A line that is written is a new one or has new
# values; the root's row lock keeps other writers of the same order out, so ON CONFLICT hides
# nothing.
_ORDERS: Final = f"""
    WITH change AS MATERIALIZED (
        SELECT * FROM unnest($1::uuid[], $2::integer[], $3::uuid[], $9::uuid[], $10::text[],
                             $11::text[])
            WITH ORDINALITY
            AS change (id, version, op_id, account_id, status, tags, position)
    ), held AS MATERIALIZED (
        SELECT change.* FROM change JOIN orders USING (id, version)
        ORDER BY id FOR NO KEY UPDATE OF orders
    ), updated AS (
        UPDATE orders SET version = held.version + 1, status = held.status,
            tags = ARRAY(SELECT jsonb_array_elements_text(held.tags::jsonb))
        FROM held WHERE orders.id = held.id AND orders.version = held.version
        RETURNING orders.id, orders.version, held.op_id, held.position
    ), created AS (
        INSERT INTO orders (id, version, account_id, status, tags)
        SELECT id, 1, account_id, status, ARRAY(SELECT jsonb_array_elements_text(tags::jsonb))
        FROM change WHERE version = 0 ORDER BY id
        ON CONFLICT (id) DO NOTHING
        RETURNING id, version
    ), root AS (
        SELECT id, version, op_id, position FROM updated
        UNION ALL
        SELECT id, created.version, op_id, position FROM created JOIN change USING (id)
    ), written AS (
        INSERT INTO order_lines (order_id, line_no, sku, quantity, unit_price_cents)
        SELECT root.id, line.line_no, line.sku, line.quantity, line.unit_price_cents
        FROM root JOIN unnest($12::integer[], $13::integer[], $14::text[], $15::integer[],
                              $16::bigint[])
            AS line (position, line_no, sku, quantity, unit_price_cents) USING (position)
        ON CONFLICT (order_id, line_no) DO UPDATE
        SET sku = excluded.sku, quantity = excluded.quantity,
            unit_price_cents = excluded.unit_price_cents
    ), removed AS (
        DELETE FROM order_lines
        USING root JOIN unnest($17::integer[], $18::integer[]) AS line (position, line_no)
            USING (position)
        WHERE order_id = root.id AND order_lines.line_no = line.line_no
    ),{_STORE.format(aggregate_type="order")}"""

WRITE_ORDERS: Final = _ORDERS + _ANSWER
WRITE_HANDLED_ORDERS: Final = _ORDERS + _STORE_INBOX_ENTRIES.format(19, 20, 21, 22) + _ANSWER
