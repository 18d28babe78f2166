"""One transaction over asyncpg."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from outboxbench.core.application.outcome import Stage, VersionConflict
from outboxbench.core.application.unit_of_work import Change, TrackingUnitOfWork
from outboxbench.core.domain.ordering import Order, OrderLine, OrderStatus
from outboxbench.core.domain.payments import Account
from outboxbench.core.strategies import statements as sql
from outboxbench.core.strategies.asyncpg_report import DISCONNECTIONS, report_of
from outboxbench.core.strategies.rows import line_changes, message_rows, order_line_row
from outboxbench.core.strategies.server_report import translate

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    import asyncpg
    from asyncpg.pool import PoolConnectionProxy
    from asyncpg.transaction import Transaction

    from outboxbench.core.application.outcome import Attempt, PersistenceError


class AsyncpgUnitOfWork(TrackingUnitOfWork):
    """Statement by statement, each awaited before the next."""

    __slots__ = ("_connection", "_pool", "_stored_lines", "_transaction")

    def __init__(self, pool: asyncpg.Pool, attempt: Attempt) -> None:
        super().__init__(attempt)
        self._pool = pool
        self._connection: PoolConnectionProxy  # unset until it is acquired
        self._transaction: Transaction
        self._stored_lines: dict[int, OrderLine] = {}

    async def _begin(self) -> None:
        connection = self._connection = await self._pool.acquire()
        self.attempt.stage = Stage.BEGIN
        self._transaction = connection.transaction()
        await self._transaction.start()

    async def _load_account(self, id: UUID) -> Account | None:
        row = await self._connection.fetchrow(sql.SELECT_ACCOUNT, id)
        if row is None:
            return None
        return Account(row["id"], row["balance_cents"], row["version"])

    async def _load_order(self, id: UUID) -> Order | None:
        row = await self._connection.fetchrow(sql.SELECT_ORDER, id)
        if row is None:
            return None
        lines = await self._connection.fetch(sql.SELECT_ORDER_LINES, id)
        order = Order(
            row["id"],
            row["account_id"],
            OrderStatus(row["status"]),
            row["tags"],
            [OrderLine(*line) for line in lines],
            row["version"],
        )
        self._stored_lines = dict(order.lines)
        return order

    async def _write(self, change: Change) -> None:
        match change.aggregate:
            case Account() as account:
                await self._write_account(account, is_new=change.is_new)
            case Order() as order:
                await self._write_order(order, is_new=change.is_new)
        await self._write_rows(sql.INSERT_MESSAGE, message_rows(change))

    async def _write_account(self, account: Account, *, is_new: bool) -> None:
        if is_new:
            await self._connection.execute(
                sql.INSERT_ACCOUNT, account.id, account.next_version, account.balance_cents
            )
            return
        status = await self._connection.execute(
            sql.UPDATE_ACCOUNT,
            account.id,
            account.version,
            account.next_version,
            account.balance_cents,
        )
        if status != "UPDATE 1":
            raise VersionConflict(account.aggregate_type, account.id, account.version)

    async def _write_order(self, order: Order, *, is_new: bool) -> None:
        if is_new:
            await self._connection.execute(
                sql.INSERT_ORDER,
                order.id,
                order.next_version,
                order.account_id,
                order.status.value,
                order.tags,
            )
        else:
            status = await self._connection.execute(
                sql.UPDATE_ORDER,
                order.id,
                order.version,
                order.next_version,
                order.status.value,
                order.tags,
            )
            if status != "UPDATE 1":
                raise VersionConflict(order.aggregate_type, order.id, order.version)
        lines = line_changes(self._stored_lines, order.lines)
        await self._write_rows(
            sql.INSERT_ORDER_LINE, [order_line_row(order.id, line) for line in lines.added]
        )
        await self._write_rows(
            sql.UPDATE_ORDER_LINE, [order_line_row(order.id, line) for line in lines.changed]
        )
        await self._write_rows(
            sql.DELETE_ORDER_LINE, [(order.id, line_no) for line_no in lines.removed]
        )

    async def _write_rows(self, statement: str, rows: Sequence[tuple[Any, ...]]) -> None:
        if len(rows) == 1:
            await self._connection.execute(statement, *rows[0])
        elif rows:
            await self._connection.executemany(statement, rows)

    async def _commit(self) -> None:
        await self._transaction.commit()

    async def _rollback(self) -> None:
        await self._transaction.rollback()

    async def _release(self, *, discard: bool) -> None:
        connection = getattr(self, "_connection", None)
        if connection is None:
            return
        if discard:
            connection.terminate()
        await self._pool.release(connection)

    def _translate(self, error: Exception) -> PersistenceError:
        return translate(error, report_of, disconnections=DISCONNECTIONS)
