"""The tables and statements in SQLAlchemy's expression language.

They are built once, with bound parameters, so that each execution finds its compiled form in
SQLAlchemy's cache by identity: the most favourable way to use Core that its documentation shows.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    Integer,
    MetaData,
    SmallInteger,
    Table,
    Text,
    Uuid,
    bindparam,
    delete,
    insert,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

metadata = MetaData()

accounts = Table(
    "accounts",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("version", Integer, nullable=False),
    Column("balance_cents", BigInteger, nullable=False),
)
orders = Table(
    "orders",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("version", Integer, nullable=False),
    Column("account_id", Uuid, nullable=False),
    Column("status", Text, nullable=False),
    Column("tags", ARRAY(Text), nullable=False),
)
order_lines = Table(
    "order_lines",
    metadata,
    Column("order_id", Uuid, primary_key=True),
    Column("line_no", Integer, primary_key=True, autoincrement=False),
    Column("sku", Text, nullable=False),
    Column("quantity", Integer, nullable=False),
    Column("unit_price_cents", BigInteger, nullable=False),
)
outbox = Table(
    "outbox",
    metadata,
    Column("op_id", Uuid, primary_key=True),
    Column("ordinal", SmallInteger, primary_key=True, autoincrement=False),
    Column("aggregate_type", Text, nullable=False),
    Column("aggregate_id", Uuid, nullable=False),
    Column("version", Integer, nullable=False),
    Column("topic", Text, nullable=False),
    Column("audience", SmallInteger, nullable=False),
    Column("state", JSONB, nullable=False),
)
inbox = Table(
    "inbox",
    metadata,
    Column("handler", Text, primary_key=True),
    Column("op_id", Uuid, primary_key=True),
    Column("ordinal", SmallInteger, primary_key=True, autoincrement=False),
)

SELECT_ACCOUNT = select(accounts).where(accounts.c.id == bindparam("account_id"))
INSERT_ACCOUNT = insert(accounts)
# Parameters that are compared need names of their own: SQLAlchemy keeps a column's name for the
# value that is set.
UPDATE_ACCOUNT = (
    update(accounts)
    .where(
        accounts.c.id == bindparam("account_id"), accounts.c.version == bindparam("read_version")
    )
    .values(version=bindparam("version"), balance_cents=bindparam("balance_cents"))
)

SELECT_ORDER = select(orders).where(orders.c.id == bindparam("wanted_id"))
SELECT_ORDER_LINES = (
    select(
        order_lines.c.line_no,
        order_lines.c.sku,
        order_lines.c.quantity,
        order_lines.c.unit_price_cents,
    )
    .where(order_lines.c.order_id == bindparam("wanted_id"))
    .order_by(order_lines.c.line_no)
)
INSERT_ORDER = insert(orders)
UPDATE_ORDER = (
    update(orders)
    .where(orders.c.id == bindparam("wanted_id"), orders.c.version == bindparam("read_version"))
    .values(version=bindparam("version"), status=bindparam("status"), tags=bindparam("tags"))
)
INSERT_ORDER_LINE = insert(order_lines)
UPDATE_ORDER_LINE = (
    update(order_lines)
    .where(
        order_lines.c.order_id == bindparam("of_order"),
        order_lines.c.line_no == bindparam("of_line"),
    )
    .values(
        sku=bindparam("sku"),
        quantity=bindparam("quantity"),
        unit_price_cents=bindparam("unit_price_cents"),
    )
)
DELETE_ORDER_LINE = delete(order_lines).where(
    order_lines.c.order_id == bindparam("of_order"),
    order_lines.c.line_no == bindparam("of_line"),
)
INSERT_MESSAGE = insert(outbox)
INSERT_INBOX_ENTRY = insert(inbox)
