"""The statements of the write plan `single` in SQLAlchemy's expression language.

Each writes an aggregate and its messages, or reads an aggregate whole.
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

from outboxbench.core.strategies.rows import encode_states
from outboxbench.core.strategies.sqlalchemy_core import tables as sql
from outboxbench.core.strategies.sqlalchemy_core.tables import (
    accounts,
    inbox,
    order_lines,
    orders,
    outbox,
)

if TYPE_CHECKING:
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
class RootStatement:
    """Writes an aggregate, and whatever belongs to it but the messages."""

    aggregate_type: str
    root: CTE
    others: tuple[CTE, ...] = ()


@cache
def with_messages(of: RootStatement, count: int, *, handles_message: bool) -> Executable:
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


def message_parameters(change: Change) -> dict[str, Any]:
    """Return what the part of a statement takes that inserts the messages, and the inbox entry."""
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


INSERT_ACCOUNT = RootStatement(
    "account",
    insert(accounts)
    .values({column.name: bindparam(f"root_{column.name}") for column in accounts.columns})
    .returning(accounts.c.id, accounts.c.version)
    .cte("root"),
)
UPDATE_ACCOUNT = RootStatement(
    "account", sql.UPDATE_ACCOUNT.returning(accounts.c.id, accounts.c.version).cte("root")
)

_new_order = (
    insert(orders)
    .values({column.name: bindparam(f"root_{column.name}") for column in orders.columns})
    .returning(orders.c.id, orders.c.version)
    .cte("root")
)
_added_lines = insert(order_lines).from_select(order_lines.columns.keys(), _lines_of(_new_order))
INSERT_ORDER = RootStatement("order", _new_order, (_added_lines.cte("added"),))

_changed_order = sql.UPDATE_ORDER.returning(orders.c.id, orders.c.version).cte("root")
_written_lines = upsert(order_lines).from_select(
    order_lines.columns.keys(), _lines_of(_changed_order)
)
_removed_lines = delete(order_lines).where(
    order_lines.c.order_id == _changed_order.c.id,
    order_lines.c.line_no == func.any(bindparam("removed", type_=ARRAY(Integer))),
)
UPDATE_ORDER = RootStatement(
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
SELECT_WHOLE_ORDER = (
    select(orders, *(column for column in order_lines.c if column.name != "order_id"))
    .join_from(orders, order_lines, order_lines.c.order_id == orders.c.id, isouter=True)
    .where(orders.c.id == bindparam("wanted_id"))
    .order_by(order_lines.c.line_no)
)
