"""One transaction over psycopg."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from psycopg.types.json import Jsonb
from psycopg_pool import PoolTimeout

from outboxbench.core.application.outcome import Stage, VersionConflict
from outboxbench.core.application.unit_of_work import Change, TrackingUnitOfWork
from outboxbench.core.domain.ordering import Order, OrderLine, OrderStatus
from outboxbench.core.domain.payments import Account
from outboxbench.core.strategies import statements as sql
from outboxbench.core.strategies.psycopg_report import DISCONNECTIONS, report_of
from outboxbench.core.strategies.rows import line_changes, message_rows, order_line_row
from outboxbench.core.strategies.server_report import translate

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from psycopg import AsyncConnection, AsyncCursor
    from psycopg_pool import AsyncConnectionPool

    from outboxbench.core.application.outcome import Attempt, PersistenceError


class PsycopgUnitOfWork(TrackingUnitOfWork):
    """Statement by statement; psycopg sends BEGIN by itself before the first."""

    __slots__ = ("_binary", "_connection", "_pool", "_stored_lines")

    def __init__(self, pool: AsyncConnectionPool[Any], attempt: Attempt, *, binary: bool) -> None:
        super().__init__(attempt)
        self._pool = pool
        self._binary = binary
        self._connection: AsyncConnection[Any]  # unset until it is acquired
        self._stored_lines: dict[int, OrderLine] = {}

    async def _begin(self) -> None:
        self._connection = await self._pool.getconn()
        self.attempt.stage = Stage.BEGIN

    async def _load_account(self, id: UUID) -> Account | None:
        cursor = await self._execute(sql.SELECT_ACCOUNT, (id,))
        row = await cursor.fetchone()
        if row is None:
            return None
        account_id, version, balance_cents = row
        return Account(account_id, balance_cents, version)

    async def _load_order(self, id: UUID) -> Order | None:
        cursor = await self._execute(sql.SELECT_ORDER, (id,))
        row = await cursor.fetchone()
        if row is None:
            return None
        order_id, version, account_id, status, tags = row
        cursor = await self._execute(sql.SELECT_ORDER_LINES, (id,))
        lines = [OrderLine(*line) for line in await cursor.fetchall()]
        order = Order(order_id, account_id, OrderStatus(status), tags, lines, version)
        self._stored_lines = dict(order.lines)
        return order

    async def _write(self, change: Change) -> None:
        match change.aggregate:
            case Account() as account:
                await self._write_account(account, is_new=change.is_new)
            case Order() as order:
                await self._write_order(order, is_new=change.is_new)
        rows = [(*row[:-1], Jsonb(row[-1])) for row in message_rows(change)]
        await self._write_rows(sql.INSERT_MESSAGE, rows)

    async def _write_account(self, account: Account, *, is_new: bool) -> None:
        if is_new:
            await self._execute(
                sql.INSERT_ACCOUNT, (account.id, account.next_version, account.balance_cents)
            )
            return
        cursor = await self._execute(
            sql.UPDATE_ACCOUNT,
            (account.id, account.version, account.next_version, account.balance_cents),
        )
        if cursor.rowcount != 1:
            raise VersionConflict(account.aggregate_type, account.id, account.version)

    async def _write_order(self, order: Order, *, is_new: bool) -> None:
        if is_new:
            await self._execute(
                sql.INSERT_ORDER,
                (order.id, order.next_version, order.account_id, order.status.value, order.tags),
            )
        else:
            cursor = await self._execute(
                sql.UPDATE_ORDER,
                (order.id, order.version, order.next_version, order.status.value, order.tags),
            )
            if cursor.rowcount != 1:
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
            await self._execute(statement, rows[0])
        elif rows:
            await self._connection.cursor().executemany(statement, rows)

    async def _execute(self, statement: str, parameters: tuple[Any, ...]) -> AsyncCursor[Any]:
        return await self._connection.execute(statement, parameters, binary=self._binary)

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
                await connection.close()
        finally:
            await self._pool.putconn(connection)

    def _translate(self, error: Exception) -> PersistenceError:
        return translate(error, report_of, timeouts=(PoolTimeout,), disconnections=DISCONNECTIONS)
