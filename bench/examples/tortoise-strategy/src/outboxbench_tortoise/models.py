"""The shared tables as models. The tables are made by outboxbench, never by Tortoise."""

from typing import Any
from uuid import UUID

from tortoise import fields
from tortoise.contrib.postgres.fields import ArrayField
from tortoise.models import Model

from outboxbench.core.strategies.rows import encode_state


class AccountRow(Model):
    """A row of `accounts`."""

    id = fields.UUIDField(primary_key=True)
    version = fields.IntField()
    balance_cents = fields.BigIntField()

    class Meta:
        """Which table."""

        table = "accounts"


class OrderRow(Model):
    """A row of `orders`, with its lines."""

    id = fields.UUIDField(primary_key=True)
    version = fields.IntField()
    account_id = fields.UUIDField()
    status = fields.TextField()
    tags: list[str] = ArrayField(element_type="text")
    lines: fields.ReverseRelation["OrderLineRow"]

    class Meta:
        """Which table."""

        table = "orders"


# Tortoise knows no keys of several columns. One of them stands for the key in the models below,
# and nothing is ever found by it alone: every query names all columns of the real key.


class OrderLineRow(Model):
    """A row of `order_lines`."""

    line_no = fields.IntField(primary_key=True, generated=False)
    order: fields.ForeignKeyRelation[OrderRow] = fields.ForeignKeyField(
        "outboxbench.OrderRow", related_name="lines"
    )
    sku = fields.TextField()
    quantity = fields.IntField()
    unit_price_cents = fields.BigIntField()
    order_id: UUID

    class Meta:
        """Which table, and in which order."""

        table = "order_lines"
        ordering = ("line_no",)


class InboxRow(Model):
    """A row of `inbox`."""

    op_id = fields.UUIDField(primary_key=True)
    handler = fields.TextField()
    ordinal = fields.SmallIntField()

    class Meta:
        """Which table."""

        table = "inbox"


class OutboxRow(Model):
    """A row of `outbox`."""

    op_id = fields.UUIDField(primary_key=True)
    ordinal = fields.SmallIntField()
    aggregate_type = fields.TextField()
    aggregate_id = fields.UUIDField()
    version = fields.IntField()
    topic = fields.TextField()
    audience = fields.SmallIntField()
    # The encoder of all strategies: a table compares libraries, not JSON encoders.
    state = fields.JSONField[dict[str, Any]](encoder=encode_state)

    class Meta:
        """Which table."""

        table = "outbox"
