"""The mapped classes, with a relationship for the lines and `version_id_col` for the check."""

from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, ForeignKey, SmallInteger, Text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship


class Row(DeclarativeBase):
    """Base of the mapped classes."""


class AccountRow(Row):
    """A row of `accounts`."""

    __tablename__ = "accounts"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    version: Mapped[int] = mapped_column()
    balance_cents: Mapped[int] = mapped_column(BigInteger)

    __mapper_args__ = {"version_id_col": version}


class OrderLineRow(Row):
    """A row of `order_lines`."""

    __tablename__ = "order_lines"

    order_id: Mapped[UUID] = mapped_column(ForeignKey("orders.id"), primary_key=True)
    line_no: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    sku: Mapped[str] = mapped_column(Text)
    quantity: Mapped[int]
    unit_price_cents: Mapped[int] = mapped_column(BigInteger)


class OrderRow(Row):
    """A row of `orders`, with its lines."""

    __tablename__ = "orders"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    version: Mapped[int] = mapped_column()
    account_id: Mapped[UUID]
    status: Mapped[str] = mapped_column(Text)
    tags: Mapped[list[str]] = mapped_column(ARRAY(Text))
    lines: Mapped[list[OrderLineRow]] = relationship(
        cascade="all, delete-orphan", lazy="selectin", order_by=OrderLineRow.line_no
    )

    __mapper_args__ = {"version_id_col": version}


class InboxRow(Row):
    """A row of `inbox`."""

    __tablename__ = "inbox"

    handler: Mapped[str] = mapped_column(Text, primary_key=True)
    op_id: Mapped[UUID] = mapped_column(primary_key=True)
    ordinal: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)


class OutboxRow(Row):
    """A row of `outbox`.

    Between tables that do not depend on each other SQLAlchemy writes in the order of class names:
    this one comes after those of the aggregates, so messages are inserted under their row lock.
    """

    __tablename__ = "outbox"

    op_id: Mapped[UUID] = mapped_column(primary_key=True)
    ordinal: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    aggregate_type: Mapped[str] = mapped_column(Text)
    aggregate_id: Mapped[UUID]
    version: Mapped[int]
    topic: Mapped[str] = mapped_column(Text)
    audience: Mapped[int] = mapped_column(SmallInteger)
    state: Mapped[dict[str, Any]] = mapped_column(JSONB)
