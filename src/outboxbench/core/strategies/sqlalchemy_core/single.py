"""The write plan `single` in SQLAlchemy's expression language: one data-modifying statement.

On an engine in AUTOCOMMIT mode, so that each statement is a transaction of its own.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from functools import cache
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
    union_all,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.dialects.postgresql import insert as upsert

from outboxbench.core.application.outcome import VersionConflict
from outboxbench.core.domain.ordering import Order, OrderLine, OrderStatus
from outboxbench.core.domain.payments import Account
from outboxbench.core.strategies.rows import encode_states, line_changes
from outboxbench.core.strategies.sqlalchemy_core import tables as sql
from outboxbench.core.strategies.sqlalchemy_core.tables import (
    accounts,
    inbox,
    order_lines,
    orders,
    outbox,
)
from outboxbench.core.strategies.sqlalchemy_core.unit_of_work import CoreUnitOfWork

if TYPE_CHECKING:
    from uuid import UUID

    from sqlalchemy import CTE, Executable

    from outboxbench.core.application.unit_of_work import Change

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


@dataclass(frozen=True, eq=False, slots=True)
class _RootStatement:
    """Writes an aggregate, and whatever belongs to it but the messages."""

    aggregate_type: str
    root: CTE
    others: tuple[CTE, ...] = ()


@cache
def _with_messages(of: _RootStatement, count: int, *, handles_message: bool) -> Executable:
    """Return the whole statement: it inserts the messages from the row that was written, if any.

    A SELECT for each, and no VALUES: SQLAlchemy would compile those anew at every execution.
    """
    messages = [
        select(
            bindparam("op_id", type_=Uuid),
            literal(ordinal, SmallInteger),
            literal(of.aggregate_type),
            of.root.c.id,
            of.root.c.version,
            bindparam(f"topic_{ordinal}", type_=Text),
            bindparam(f"audience_{ordinal}", type_=SmallInteger),
            cast(bindparam(f"state_{ordinal}", type_=Text), JSONB),
        )
        for ordinal in range(count)
    ]
    rows = union_all(*messages) if len(messages) > 1 else messages[0]
    others = (*of.others, _inbox_entry_of(of.root)) if handles_message else of.others
    return insert(outbox).from_select(outbox.columns.keys(), rows).add_cte(*others)


def _inbox_entry_of(root: CTE) -> CTE:
    entry = select(
        bindparam("inbox_handler", type_=Text),
        bindparam("inbox_op_id", type_=Uuid),
        bindparam("inbox_ordinal", type_=SmallInteger),
    ).select_from(root)
    return insert(inbox).from_select(inbox.columns.keys(), entry).cte("handled")


def _message_parameters(change: Change) -> dict[str, Any]:
    parameters: dict[str, Any] = {"op_id": change.op_id}
    messages = zip(change.messages, encode_states(change), strict=True)
    for ordinal, (message, state) in enumerate(messages):
        parameters[f"topic_{ordinal}"] = message.topic
        parameters[f"audience_{ordinal}"] = message.audience.value
        parameters[f"state_{ordinal}"] = state
    if change.inbox is not None:
        parameters |= {f"inbox_{key}": value for key, value in asdict(change.inbox).items()}
    return parameters


def _lines_of(root: CTE) -> Any:
    return select(
        root.c.id,
        _LINES.c.line_no,
        _LINES.c.sku,
        _LINES.c.quantity,
        _LINES.c.unit_price_cents,
    ).select_from(root.join(_LINES, true()))


_INSERT_ACCOUNT = _RootStatement(
    "account",
    insert(accounts)
    .values({column.name: bindparam(f"root_{column.name}") for column in accounts.columns})
    .returning(accounts.c.id, accounts.c.version)
    .cte("root"),
)
_UPDATE_ACCOUNT = _RootStatement(
    "account", sql.UPDATE_ACCOUNT.returning(accounts.c.id, accounts.c.version).cte("root")
)

_new_order = (
    insert(orders)
    .values({column.name: bindparam(f"root_{column.name}") for column in orders.columns})
    .returning(orders.c.id, orders.c.version)
    .cte("root")
)
_added_lines = insert(order_lines).from_select(order_lines.columns.keys(), _lines_of(_new_order))
_INSERT_ORDER = _RootStatement("order", _new_order, (_added_lines.cte("added"),))

_changed_order = sql.UPDATE_ORDER.returning(orders.c.id, orders.c.version).cte("root")
_written_lines = upsert(order_lines).from_select(
    order_lines.columns.keys(), _lines_of(_changed_order)
)
_removed_lines = delete(order_lines).where(
    order_lines.c.order_id == _changed_order.c.id,
    order_lines.c.line_no == func.any(bindparam("removed", type_=ARRAY(Integer))),
)
_UPDATE_ORDER = _RootStatement(
    "order",
    _changed_order,
    (
        _written_lines.on_conflict_do_update(
            index_elements=["order_id", "line_no"],
            set_={
                name: _written_lines.excluded[name]
                for name in ("sku", "quantity", "unit_price_cents")
            },
        ).cte("written"),
        _removed_lines.cte("removed"),
    ),
)
_SELECT_WHOLE_ORDER = (
    select(orders, *(column for column in order_lines.c if column.name != "order_id"))
    .join_from(orders, order_lines, order_lines.c.order_id == orders.c.id, isouter=True)
    .where(orders.c.id == bindparam("wanted_id"))
    .order_by(order_lines.c.line_no)
)


class CoreSingleUnitOfWork(CoreUnitOfWork):
    """One statement to read, one to write."""

    __slots__ = ("_change", "_parameters", "_statement")

    _change: Change | None
    _statement: Executable
    _parameters: dict[str, Any]

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
        root, written = self._root(change)
        self._statement = _with_messages(
            root, len(change.messages), handles_message=change.inbox is not None
        )
        self._parameters = written | _message_parameters(change)
        self._change = change

    async def _commit(self) -> None:
        change = self._change
        if change is None:
            return
        result = await self._connection.execute(self._statement, self._parameters)
        if result.rowcount != len(change.messages):
            aggregate = change.aggregate
            raise VersionConflict(aggregate.aggregate_type, aggregate.id, aggregate.version)

    async def _rollback(self) -> None:
        """No statement leaves a transaction open."""

    def _root(self, change: Change) -> tuple[_RootStatement, dict[str, Any]]:
        match change.aggregate:
            case Account() as account:
                return _account_root(account, is_new=change.is_new)
            case Order() as order:
                return self._order_root(order, is_new=change.is_new)
        raise TypeError(f"nothing stores a {type(change.aggregate).__name__}")

    def _order_root(self, order: Order, *, is_new: bool) -> tuple[_RootStatement, dict[str, Any]]:
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


def _account_root(account: Account, *, is_new: bool) -> tuple[_RootStatement, dict[str, Any]]:
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
