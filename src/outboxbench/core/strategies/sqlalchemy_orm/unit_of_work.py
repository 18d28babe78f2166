"""One transaction over a session of SQLAlchemy's ORM, which finds out itself what to write."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from sqlalchemy.orm.attributes import flag_modified
from sqlalchemy.orm.exc import StaleDataError

from outboxbench.core.application.outcome import Stage, VersionConflict
from outboxbench.core.application.unit_of_work import Change, TrackingUnitOfWork
from outboxbench.core.domain.ordering import Order, OrderLine, OrderStatus
from outboxbench.core.domain.payments import Account
from outboxbench.core.strategies.rows import message_rows
from outboxbench.core.strategies.sqlalchemy_orm.mapping import (
    AccountRow,
    InboxRow,
    OrderLineRow,
    OrderRow,
    OutboxRow,
)
from outboxbench.core.strategies.sqlalchemy_watched import awaited_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from uuid import UUID

    from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

    from outboxbench.core.application.outcome import Attempt, PersistenceError

_MESSAGE_COLUMNS = tuple(column.name for column in OutboxRow.__table__.columns)


class OrmUnitOfWork(TrackingUnitOfWork):
    """Loads mapped objects, copies the aggregate's state onto them, and flushes.

    What the session sends in one go, as in a flush, is one request: all of it is answered within
    the time that an answer may take, or the connection is given up.
    """

    __slots__ = ("_loaded", "_new_session", "_session", "_translate_error")

    def __init__(
        self,
        new_session: async_sessionmaker[AsyncSession],
        attempt: Attempt,
        translate_error: Callable[[Exception], PersistenceError],
    ) -> None:
        super().__init__(attempt)
        self._new_session = new_session
        self._translate_error = translate_error
        self._session: AsyncSession  # unset until it is opened
        # The session itself keeps what it loaded only as long as someone else does.
        self._loaded: dict[UUID, AccountRow | OrderRow] = {}

    async def _begin(self) -> None:
        self._session = self._new_session()
        self.awaited = awaited_of(await self._session.connection())
        self.attempt.stage = Stage.BEGIN

    async def _load_account(self, id: UUID) -> Account | None:
        row = await self._session.get(AccountRow, id)
        if row is None:
            return None
        self._loaded[id] = row
        return Account(row.id, row.balance_cents, row.version)

    async def _load_order(self, id: UUID) -> Order | None:
        row = await self._session.get(OrderRow, id)
        if row is None:
            return None
        self._loaded[id] = row
        return Order(
            row.id,
            row.account_id,
            OrderStatus(row.status),
            row.tags,
            [
                OrderLine(line.line_no, line.sku, line.quantity, line.unit_price_cents)
                for line in row.lines
            ],
            row.version,
        )

    async def _write(self, change: Change) -> None:
        aggregate = change.aggregate
        match aggregate:
            case Account() as account:
                await self._put_account(account, is_new=change.is_new)
            case Order() as order:
                await self._put_order(order, is_new=change.is_new)
        if change.inbox is not None:
            self._session.add(InboxRow(**asdict(change.inbox)))
        self._session.add_all(
            OutboxRow(**dict(zip(_MESSAGE_COLUMNS, row, strict=True)))
            for row in message_rows(change)
        )
        try:
            await self._session.flush()
        except StaleDataError as error:
            raise VersionConflict(
                aggregate.aggregate_type, aggregate.id, aggregate.version
            ) from error

    # `version_id_col` checks against what this session loaded, which is not what was changed where
    # the aggregate was read in an earlier unit of work.

    async def _put_account(self, account: Account, *, is_new: bool) -> None:
        if is_new:
            self._session.add(AccountRow(id=account.id, balance_cents=account.balance_cents))
            return
        row = await self._session.get(AccountRow, account.id)
        if row is None or row.version != account.version:
            raise VersionConflict(account.aggregate_type, account.id, account.version)
        row.balance_cents = account.balance_cents
        # Raises the version even if the balance is what it was.
        flag_modified(row, "balance_cents")

    async def _put_order(self, order: Order, *, is_new: bool) -> None:
        if is_new:
            self._session.add(
                OrderRow(
                    id=order.id,
                    account_id=order.account_id,
                    status=order.status.value,
                    tags=order.tags,
                    lines=[_line_row(line) for line in order.lines.values()],
                )
            )
            return
        row = await self._session.get(OrderRow, order.id)
        if row is None or row.version != order.version:
            raise VersionConflict(order.aggregate_type, order.id, order.version)
        row.status = order.status.value
        row.tags = order.tags
        # Raises the version of the root even if only a line changed.
        flag_modified(row, "status")
        rows = {line.line_no: line for line in row.lines}
        for line_no in rows.keys() - order.lines.keys():
            row.lines.remove(rows[line_no])
        for line in order.lines.values():
            if (line_row := rows.get(line.line_no)) is None:
                row.lines.append(_line_row(line))
            else:
                line_row.sku = line.sku
                line_row.quantity = line.quantity
                line_row.unit_price_cents = line.unit_price_cents

    async def _commit(self) -> None:
        await self._session.commit()

    async def _rollback(self) -> None:
        await self._session.rollback()

    async def _release(self, *, discard: bool) -> None:
        session = getattr(self, "_session", None)
        if session is None:
            return
        if discard:
            await session.invalidate()
        else:
            await session.close()

    def _translate(self, error: Exception) -> PersistenceError:
        return self._translate_error(error)


def _line_row(line: OrderLine) -> OrderLineRow:
    return OrderLineRow(
        line_no=line.line_no,
        sku=line.sku,
        quantity=line.quantity,
        unit_price_cents=line.unit_price_cents,
    )
