"""The SQL that the raw drivers share to the letter, with PostgreSQL's own `$n` parameters.

An update names the version that was read: no row hit means that another transaction came first.
That is no error to PostgreSQL, so every caller looks at the count.
"""

from __future__ import annotations

from typing import Final

# By primary key and without a lock: the version is checked when the row is written, so a reader
# holds nothing while Python works.
SELECT_ACCOUNT: Final = "SELECT id, version, balance_cents FROM accounts WHERE id = $1"

INSERT_ACCOUNT: Final = "INSERT INTO accounts (id, version, balance_cents) VALUES ($1, $2, $3)"

# Touches no indexed column, so that the update stays heap-only.
UPDATE_ACCOUNT: Final = (
    "UPDATE accounts SET version = $3, balance_cents = $4 WHERE id = $1 AND version = $2"
)

# The root is read before its lines: a change committed in between leaves the older version in
# hand, which the update then refuses. The other way round the torn read would go unnoticed.
SELECT_ORDER: Final = "SELECT id, version, account_id, status, tags FROM orders WHERE id = $1"

# Along the primary key (order_id, line_no): one index range, already in order.
SELECT_ORDER_LINES: Final = (
    "SELECT line_no, sku, quantity, unit_price_cents FROM order_lines"
    " WHERE order_id = $1 ORDER BY line_no"
)

INSERT_ORDER: Final = (
    "INSERT INTO orders (id, version, account_id, status, tags) VALUES ($1, $2, $3, $4, $5)"
)

# Runs also when only a line changed: the version of the root stands for the whole aggregate. It
# comes before the lines, so that its row lock serialises their writers.
UPDATE_ORDER: Final = (
    "UPDATE orders SET version = $3, status = $4, tags = $5 WHERE id = $1 AND version = $2"
)

INSERT_ORDER_LINE: Final = (
    "INSERT INTO order_lines (order_id, line_no, sku, quantity, unit_price_cents)"
    " VALUES ($1, $2, $3, $4, $5)"
)

UPDATE_ORDER_LINE: Final = (
    "UPDATE order_lines SET sku = $3, quantity = $4, unit_price_cents = $5"
    " WHERE order_id = $1 AND line_no = $2"
)

DELETE_ORDER_LINE: Final = "DELETE FROM order_lines WHERE order_id = $1 AND line_no = $2"

# Last, under the row lock that the update took, so that messages of one aggregate become visible
# in the order of its versions. A plain insert: ON CONFLICT would hide a repeated operation.
INSERT_MESSAGE: Final = (
    "INSERT INTO outbox"
    " (op_id, ordinal, aggregate_type, aggregate_id, version, topic, audience, state)"
    " VALUES ($1, $2, $3, $4, $5, $6, $7, $8)"
)

# A plain insert as well: that the message was handled before is for the caller to know.
INSERT_INBOX_ENTRY: Final = "INSERT INTO inbox (handler, op_id, ordinal) VALUES ($1, $2, $3)"
