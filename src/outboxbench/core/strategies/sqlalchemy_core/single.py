"""The write plan `single` in SQLAlchemy's expression language: one data-modifying statement.

On an engine in AUTOCOMMIT mode, so that each statement is a transaction of its own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from outboxbench.core.application.outcome import VersionConflict
from outboxbench.core.domain.ordering import Order, OrderLine, OrderStatus
from outboxbench.core.domain.payments import Account
from outboxbench.core.strategies.rows import line_changes
from outboxbench.core.strategies.sqlalchemy_core.single_statements import (
    INSERT_ACCOUNT,
    INSERT_ORDER,
    SELECT_WHOLE_ORDER,
    UPDATE_ACCOUNT,
    UPDATE_ORDER,
    RootStatement,
    message_parameters,
    with_messages,
)
from outboxbench.core.strategies.sqlalchemy_core.unit_of_work import CoreUnitOfWork

if TYPE_CHECKING:
    from uuid import UUID

    from sqlalchemy import Executable

    from outboxbench.core.application.unit_of_work import Change


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
        rows = (await self._connection.execute(SELECT_WHOLE_ORDER, {"wanted_id": id})).all()
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
        self._statement = with_messages(
            root, len(change.messages), handles_message=change.inbox is not None
        )
        self._parameters = written | message_parameters(change)
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

    def _root(self, change: Change) -> tuple[RootStatement, dict[str, Any]]:
        match change.aggregate:
            case Account() as account:
                return _account_root(account, is_new=change.is_new)
            case Order() as order:
                return self._order_root(order, is_new=change.is_new)
        raise TypeError(f"nothing stores a {type(change.aggregate).__name__}")

    def _order_root(self, order: Order, *, is_new: bool) -> tuple[RootStatement, dict[str, Any]]:
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
            return INSERT_ORDER, {
                "root_id": order.id,
                "root_version": order.next_version,
                "root_account_id": order.account_id,
                "root_status": status,
                "root_tags": tags,
                **columns,
            }
        return UPDATE_ORDER, {
            "wanted_id": order.id,
            "read_version": order.version,
            "version": order.next_version,
            "status": status,
            "tags": tags,
            "removed": lines.removed,
            **columns,
        }


def _account_root(account: Account, *, is_new: bool) -> tuple[RootStatement, dict[str, Any]]:
    if is_new:
        return INSERT_ACCOUNT, {
            "root_id": account.id,
            "root_version": account.next_version,
            "root_balance_cents": account.balance_cents,
        }
    return UPDATE_ACCOUNT, {
        "account_id": account.id,
        "read_version": account.version,
        "version": account.next_version,
        "balance_cents": account.balance_cents,
    }
