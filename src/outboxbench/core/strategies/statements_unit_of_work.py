"""The write plan `statements`: one by one, as most services do it.

A driver adds how it sends a statement, and how it begins, commits, rolls back and releases.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from outboxbench.core.application.outcome import VersionConflict
from outboxbench.core.domain.ordering import Order, OrderLine, OrderStatus
from outboxbench.core.domain.payments import Account
from outboxbench.core.strategies import statements as sql
from outboxbench.core.strategies.raw_plan import RawPlan
from outboxbench.core.strategies.rows import inbox_row, line_changes, message_rows, order_line_row

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from outboxbench.core.application.unit_of_work import Change
    from outboxbench.core.domain.aggregate import Aggregate


class StatementsUnitOfWork(RawPlan):
    """Statement by statement, each awaited before the next."""

    __slots__ = ()

    async def _load_order(self, id: UUID) -> Order | None:
        row = await self._fetch_row(sql.SELECT_ORDER, id)
        if row is None:
            return None
        order_id, version, account_id, status, tags = row
        lines = [OrderLine(*line) for line in await self._fetch_rows(sql.SELECT_ORDER_LINES, id)]
        order = Order(order_id, account_id, OrderStatus(status), tags, lines, version)
        self._stored_lines[id] = dict(order.lines)
        return order

    async def _write(self, change: Change) -> None:
        match change.aggregate:
            case Account() as account:
                await self._write_account(account, is_new=change.is_new)
            case Order() as order:
                await self._write_order(order, is_new=change.is_new)
        if change.inbox is not None:
            await self._execute(sql.INSERT_INBOX_ENTRY, *inbox_row(change.inbox))
        await self._execute_all(sql.INSERT_MESSAGE, message_rows(change))

    async def _write_account(self, account: Account, *, is_new: bool) -> None:
        written = (account.next_version, account.balance_cents)
        if is_new:
            await self._execute(sql.INSERT_ACCOUNT, account.id, *written)
        else:
            await self._update(account, sql.UPDATE_ACCOUNT, *written)

    async def _write_order(self, order: Order, *, is_new: bool) -> None:
        version, status, tags = order.next_version, order.status.value, order.tags
        if is_new:
            await self._execute(sql.INSERT_ORDER, order.id, version, order.account_id, status, tags)
        else:
            await self._update(order, sql.UPDATE_ORDER, version, status, tags)
        lines = line_changes(self._stored_lines.get(order.id, {}), order.lines)
        await self._execute_all(
            sql.INSERT_ORDER_LINE, [order_line_row(order.id, line) for line in lines.added]
        )
        await self._execute_all(
            sql.UPDATE_ORDER_LINE, [order_line_row(order.id, line) for line in lines.changed]
        )
        await self._execute_all(
            sql.DELETE_ORDER_LINE, [(order.id, line_no) for line_no in lines.removed]
        )

    async def _update(self, aggregate: Aggregate, statement: str, *written: object) -> None:
        hit = await self._execute(statement, aggregate.id, aggregate.version, *written)
        if hit != 1:
            raise VersionConflict(aggregate.aggregate_type, aggregate.id, aggregate.version)

    async def _execute_all(self, statement: str, rows: Sequence[tuple[Any, ...]]) -> None:
        if len(rows) == 1:
            await self._execute(statement, *rows[0])
        elif rows:
            await self._execute_many(statement, rows)
