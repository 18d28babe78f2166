"""The write plan `single` in SQLAlchemy's expression language: one data-modifying statement.

On an engine in AUTOCOMMIT mode, so that each statement is a transaction of its own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import (
    BigInteger,
    Integer,
    SmallInteger,
    Text,
    Uuid,
    bindparam,
    cast,
    delete,
    func,
    insert,
    literal,
    select,
    true,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.dialects.postgresql import insert as upsert

from outboxbench.core.application.outcome import VersionConflict
from outboxbench.core.domain.ordering import Order, OrderLine, OrderStatus
from outboxbench.core.domain.payments import Account
from outboxbench.core.strategies.rows import encode_state, line_changes
from outboxbench.core.strategies.sqlalchemy_core import tables as sql
from outboxbench.core.strategies.sqlalchemy_core.tables import (
    accounts,
    order_lines,
    orders,
    outbox,
)
from outboxbench.core.strategies.sqlalchemy_core.unit_of_work import CoreUnitOfWork

if TYPE_CHECKING:
    from uuid import UUID

    from sqlalchemy import CTE, Executable

    from outboxbench.core.application.unit_of_work import Change

_MESSAGES = (
    func.unnest(
        bindparam("topics", type_=ARRAY(Text)),
        bindparam("audiences", type_=ARRAY(SmallInteger)),
        bindparam("states", type_=ARRAY(Text)),
    )
    .table_valued("topic", "audience", "state", with_ordinality="position")
    .render_derived(name="message")
)

_LINES = (
    func.unnest(
        bindparam("line_nos", type_=ARRAY(Integer)),
        bindparam("skus", type_=ARRAY(Text)),
        bindparam("quantities", type_=ARRAY(Integer)),
        bindparam("unit_prices_cents", type_=ARRAY(BigInteger)),
    )
    .table_valued("line_no", "sku", "quantity", "unit_price_cents")
    .render_derived(name="line")
)


def _with_messages(aggregate_type: str, root: CTE, *others: CTE) -> Executable:
    """Insert the messages from the row that was written, if one was."""
    rows = select(
        bindparam("op_id", type_=Uuid),
        cast(_MESSAGES.c.position - 1, SmallInteger),
        literal(aggregate_type),
        root.c.id,
        root.c.version,
        _MESSAGES.c.topic,
        _MESSAGES.c.audience,
        cast(_MESSAGES.c.state, JSONB),
    ).select_from(root.join(_MESSAGES, true()))
    return insert(outbox).from_select(outbox.columns.keys(), rows).add_cte(*others)


def _lines_of(root: CTE) -> Any:
    return select(
        root.c.id,
        _LINES.c.line_no,
        _LINES.c.sku,
        _LINES.c.quantity,
        _LINES.c.unit_price_cents,
    ).select_from(root.join(_LINES, true()))


_INSERT_ACCOUNT = _with_messages(
    "account",
    insert(accounts)
    .values({column.name: bindparam(f"root_{column.name}") for column in accounts.columns})
    .returning(accounts.c.id, accounts.c.version)
    .cte("root"),
)
_UPDATE_ACCOUNT = _with_messages(
    "account", sql.UPDATE_ACCOUNT.returning(accounts.c.id, accounts.c.version).cte("root")
)

_new_order = (
    insert(orders)
    .values({column.name: bindparam(f"root_{column.name}") for column in orders.columns})
    .returning(orders.c.id, orders.c.version)
    .cte("root")
)
_INSERT_ORDER = _with_messages(
    "order",
    _new_order,
    insert(order_lines).from_select(order_lines.columns.keys(), _lines_of(_new_order)).cte("added"),
)

_changed_order = sql.UPDATE_ORDER.returning(orders.c.id, orders.c.version).cte("root")
_written_lines = upsert(order_lines).from_select(
    order_lines.columns.keys(), _lines_of(_changed_order)
)
_UPDATE_ORDER = _with_messages(
    "order",
    _changed_order,
    _written_lines.on_conflict_do_update(
        index_elements=["order_id", "line_no"],
        set_={
            name: _written_lines.excluded[name] for name in ("sku", "quantity", "unit_price_cents")
        },
    ).cte("written"),
    delete(order_lines)
    .where(
        order_lines.c.order_id == _changed_order.c.id,
        order_lines.c.line_no == func.any(bindparam("removed", type_=ARRAY(Integer))),
    )
    .cte("removed"),
)
_SELECT_WHOLE_ORDER = (
    select(orders, *(column for column in order_lines.c if column.name != "order_id"))
    .join_from(orders, order_lines, order_lines.c.order_id == orders.c.id, isouter=True)
    .where(orders.c.id == bindparam("wanted_id"))
    .order_by(order_lines.c.line_no)
)


class CoreSingleUnitOfWork(CoreUnitOfWork):
    """One statement to read, one to write."""

    __slots__ = ("_change",)

    _change: Change | None

    async def _begin(self) -> None:
        self._change = None
        await super()._begin()

    async def _load_order(self, id: UUID) -> Order | None:
        rows = (await self._connection.execute(_SELECT_WHOLE_ORDER, {"wanted_id": id})).all()
        if not rows:
            return None
        row = rows[0]
        lines = [OrderLine(*row[5:]) for row in rows if row.line_no is not None]
        order = Order(row.id, row.account_id, OrderStatus(row.status), row.tags, lines, row.version)
        self._stored_lines[id] = dict(order.lines)
        return order

    async def _write(self, change: Change) -> None:
        # Sent by the commit: its bytes carry it.
        self._change = change

    async def _commit(self) -> None:
        change = self._change
        if change is None:
            return
        statement, parameters = self._statement(change)
        messages = {
            "op_id": change.op_id,
            "topics": [message.topic for message in change.messages],
            "audiences": [message.audience.value for message in change.messages],
            "states": [encode_state(message.state()) for message in change.messages],
        }
        result = await self._connection.execute(statement, {**messages, **parameters})
        if result.rowcount != len(change.messages):
            aggregate = change.aggregate
            raise VersionConflict(aggregate.aggregate_type, aggregate.id, aggregate.version)

    async def _rollback(self) -> None:
        """No statement leaves a transaction open."""

    def _statement(self, change: Change) -> tuple[Executable, dict[str, Any]]:
        match change.aggregate:
            case Account() as account:
                return _account_statement(account, is_new=change.is_new)
            case Order() as order:
                return self._order_statement(order, is_new=change.is_new)
        raise TypeError(f"nothing stores a {type(change.aggregate).__name__}")

    def _order_statement(self, order: Order, *, is_new: bool) -> tuple[Executable, dict[str, Any]]:
        lines = line_changes(self._stored_lines.get(order.id, {}), order.lines)
        written = [*lines.added, *lines.changed]
        columns = {
            "line_nos": [line.line_no for line in written],
            "skus": [line.sku for line in written],
            "quantities": [line.quantity for line in written],
            "unit_prices_cents": [line.unit_price_cents for line in written],
        }
        status, tags = order.status.value, order.tags
        if is_new:
            return _INSERT_ORDER, {
                "root_id": order.id,
                "root_version": order.next_version,
                "root_account_id": order.account_id,
                "root_status": status,
                "root_tags": tags,
                **columns,
            }
        return _UPDATE_ORDER, {
            "wanted_id": order.id,
            "read_version": order.version,
            "version": order.next_version,
            "status": status,
            "tags": tags,
            "removed": lines.removed,
            **columns,
        }


def _account_statement(account: Account, *, is_new: bool) -> tuple[Executable, dict[str, Any]]:
    if is_new:
        return _INSERT_ACCOUNT, {
            "root_id": account.id,
            "root_version": account.next_version,
            "root_balance_cents": account.balance_cents,
        }
    return _UPDATE_ACCOUNT, {
        "account_id": account.id,
        "read_version": account.version,
        "version": account.next_version,
        "balance_cents": account.balance_cents,
    }
