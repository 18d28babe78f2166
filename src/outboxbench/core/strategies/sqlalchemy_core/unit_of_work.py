"""One transaction over SQLAlchemy Core, committed as you go."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from outboxbench.core.application.outcome import Stage, VersionConflict
from outboxbench.core.application.unit_of_work import Change, TrackingUnitOfWork
from outboxbench.core.domain.ordering import Order, OrderLine, OrderStatus
from outboxbench.core.domain.payments import Account
from outboxbench.core.strategies.rows import line_changes, message_rows
from outboxbench.core.strategies.sqlalchemy_core import tables as sql
from outboxbench.core.strategies.sqlalchemy_watched import awaited_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from uuid import UUID

    from sqlalchemy import CursorResult, Executable
    from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

    from outboxbench.core.application.outcome import Attempt, PersistenceError

_MESSAGE_COLUMNS = tuple(column.name for column in sql.outbox.columns)


class CoreUnitOfWork(TrackingUnitOfWork):
    """Statement by statement; the dialect sends BEGIN before the first."""

    __slots__ = ("_connection", "_engine", "_stored_lines", "_translate_error")

    def __init__(
        self,
        engine: AsyncEngine,
        attempt: Attempt,
        translate_error: Callable[[Exception], PersistenceError],
    ) -> None:
        super().__init__(attempt)
        self._engine = engine
        self._translate_error = translate_error
        self._connection: AsyncConnection  # unset until it is acquired
        self._stored_lines: dict[UUID, dict[int, OrderLine]] = {}

    async def _begin(self) -> None:
        self._connection = await self._engine.connect()
        self.awaited = awaited_of(self._connection)
        self.attempt.stage = Stage.BEGIN

    async def _load_account(self, id: UUID) -> Account | None:
        result = await self._execute(sql.SELECT_ACCOUNT, {"account_id": id})
        row = result.one_or_none()
        return None if row is None else Account(row.id, row.balance_cents, row.version)

    async def _load_order(self, id: UUID) -> Order | None:
        wanted = {"wanted_id": id}
        row = (await self._execute(sql.SELECT_ORDER, wanted)).one_or_none()
        if row is None:
            return None
        lines = await self._execute(sql.SELECT_ORDER_LINES, wanted)
        order = Order(
            row.id,
            row.account_id,
            OrderStatus(row.status),
            row.tags,
            [OrderLine(*line) for line in lines],
            row.version,
        )
        self._stored_lines[id] = dict(order.lines)
        return order

    async def _write(self, change: Change) -> None:
        match change.aggregate:
            case Account() as account:
                await self._write_account(account, is_new=change.is_new)
            case Order() as order:
                await self._write_order(order, is_new=change.is_new)
        if change.inbox is not None:
            await self._execute(sql.INSERT_INBOX_ENTRY, asdict(change.inbox))
        await self._write_rows(
            sql.INSERT_MESSAGE,
            [dict(zip(_MESSAGE_COLUMNS, row, strict=True)) for row in message_rows(change)],
        )

    async def _write_account(self, account: Account, *, is_new: bool) -> None:
        values = {"version": account.next_version, "balance_cents": account.balance_cents}
        if is_new:
            await self._execute(sql.INSERT_ACCOUNT, {"id": account.id, **values})
            return
        result = await self._execute(
            sql.UPDATE_ACCOUNT,
            {"account_id": account.id, "read_version": account.version, **values},
        )
        if result.rowcount != 1:
            raise VersionConflict(account.aggregate_type, account.id, account.version)

    async def _write_order(self, order: Order, *, is_new: bool) -> None:
        values = {
            "version": order.next_version,
            "status": order.status.value,
            "tags": order.tags,
        }
        if is_new:
            await self._execute(
                sql.INSERT_ORDER, {"id": order.id, "account_id": order.account_id, **values}
            )
        else:
            result = await self._execute(
                sql.UPDATE_ORDER,
                {"wanted_id": order.id, "read_version": order.version, **values},
            )
            if result.rowcount != 1:
                raise VersionConflict(order.aggregate_type, order.id, order.version)
        lines = line_changes(self._stored_lines.get(order.id, {}), order.lines)
        await self._write_rows(
            sql.INSERT_ORDER_LINE,
            [
                {"order_id": order.id, "line_no": line.line_no, **_line_values(line)}
                for line in lines.added
            ],
        )
        await self._write_rows(
            sql.UPDATE_ORDER_LINE,
            [
                {"of_order": order.id, "of_line": line.line_no, **_line_values(line)}
                for line in lines.changed
            ],
        )
        await self._write_rows(
            sql.DELETE_ORDER_LINE,
            [{"of_order": order.id, "of_line": line_no} for line_no in lines.removed],
        )

    async def _write_rows(self, statement: Executable, rows: list[dict[str, Any]]) -> None:
        if len(rows) == 1:
            await self._execute(statement, rows[0])
        elif rows:
            await self._execute(statement, rows)

    async def _execute(
        self, statement: Executable, parameters: dict[str, Any] | list[dict[str, Any]]
    ) -> CursorResult[*tuple[Any, ...]]:
        self.awaited.looks = 0
        return await self._connection.execute(statement, parameters)

    async def _commit(self) -> None:
        await self._connection.commit()

    async def _rollback(self) -> None:
        await self._connection.rollback()

    async def _release(self, *, discard: bool) -> None:
        connection = getattr(self, "_connection", None)
        if connection is None:
            return
        try:
            if discard:
                await connection.invalidate()
        finally:
            await connection.close()

    def _translate(self, error: Exception) -> PersistenceError:
        return self._translate_error(error)


def _line_values(line: OrderLine) -> dict[str, Any]:
    return {
        "sku": line.sku,
        "quantity": line.quantity,
        "unit_price_cents": line.unit_price_cents,
    }
