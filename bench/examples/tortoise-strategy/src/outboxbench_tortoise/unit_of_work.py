"""One transaction over Tortoise ORM.

`TrackingUnitOfWork` does what every unit of work does alike. What is left is to talk to the
library: begin, load, write, commit, roll back, release, and to say what its exceptions mean.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from asyncpg import InterfaceError
from tortoise.backends.asyncpg.client import TransactionWrapper

from outboxbench.core.application.outcome import Stage, VersionConflict
from outboxbench.core.application.unit_of_work import Change, TrackingUnitOfWork
from outboxbench.core.domain.ordering import Order, OrderLine, OrderStatus
from outboxbench.core.domain.payments import Account
from outboxbench.core.strategies.asyncpg_report import DISCONNECTIONS, report_of
from outboxbench.core.strategies.asyncpg_watched import awaited_of
from outboxbench.core.strategies.rows import line_changes, message_rows
from outboxbench.core.strategies.server_report import translate
from outboxbench_tortoise.models import AccountRow, InboxRow, OrderLineRow, OrderRow, OutboxRow

if TYPE_CHECKING:
    from uuid import UUID

    from tortoise.backends.asyncpg.client import AsyncpgDBClient
    from tortoise.models import Model

    from outboxbench.core.application.outcome import Attempt, PersistenceError
    from outboxbench.core.domain.aggregate import Aggregate

# In the order of `message_rows`.
_MESSAGE_FIELDS = (
    "op_id",
    "ordinal",
    "aggregate_type",
    "aggregate_id",
    "version",
    "topic",
    "audience",
    "state",
)


class TortoiseUnitOfWork(TrackingUnitOfWork):
    """Loads rows as models, and writes with queries that name the version that was read."""

    __slots__ = ("_lease", "_stored_lines", "_transaction")

    def __init__(self, client: AsyncpgDBClient, attempt: Attempt) -> None:
        super().__init__(attempt)
        self._lease = client.acquire_connection()
        self._transaction = TransactionWrapper(client)
        # As they were read, to find out what became of them.
        self._stored_lines: dict[UUID, dict[int, OrderLine]] = {}

    # What Tortoise's `in_transaction()` does, step by step, for two reasons. It never gives back a
    # connection whose BEGIN failed. And called where another unit of work is open, it begins no
    # transaction but sets a savepoint in the other one's.

    async def _begin(self) -> None:
        connection = self._transaction._connection = await self._lease.__aenter__()
        self.awaited = awaited_of(connection)
        self.attempt.stage = Stage.BEGIN
        self.awaited.looks = 0
        await self._transaction.begin()

    async def _commit(self) -> None:
        await self._transaction.commit()

    async def _rollback(self) -> None:
        # After a COMMIT that was answered with an error nothing is left to roll back.
        if self._transaction._connection.is_in_transaction():
            await self._transaction.rollback()

    async def _release(self, *, discard: bool) -> None:
        connection = self._lease.connection
        if connection is None:
            return
        if discard:
            # The pool has already taken back a connection that was lost, and says so.
            with suppress(InterfaceError):
                connection.terminate()
        await self._lease.__aexit__(None, None, None)

    def _translate(self, error: Exception) -> PersistenceError:
        # Tortoise wraps some exceptions of asyncpg and lets others pass. That is for `translate` to
        # unwrap: it goes by what the server said, SQLSTATE, severity and constraint.
        return translate(error, report_of, disconnections=DISCONNECTIONS)

    async def _load_account(self, id: UUID) -> Account | None:
        row = await AccountRow.get_or_none(id=id, using_db=self._transaction)
        if row is None:
            return None
        return Account(row.id, row.balance_cents, row.version)

    async def _load_order(self, id: UUID) -> Order | None:
        # The order first and its lines after it. The other way round, a change in between would
        # leave older lines under a newer version, and the check of the version would not notice.
        found = OrderRow.get_or_none(id=id, using_db=self._transaction)
        row = await found.prefetch_related("lines")
        if row is None:
            return None
        lines = [
            OrderLine(line.line_no, line.sku, line.quantity, line.unit_price_cents)
            for line in row.lines
        ]
        self._stored_lines[id] = {line.line_no: line for line in lines}
        return Order(row.id, row.account_id, OrderStatus(row.status), row.tags, lines, row.version)

    async def _write(self, change: Change) -> None:
        # First the row of the aggregate, whose lock makes others wait; last the messages, which so
        # become visible in the order of their versions.
        match change.aggregate:
            case Account() as account:
                await self._write_account(account, is_new=change.is_new)
            case Order() as order:
                await self._write_order(order, is_new=change.is_new)
                await self._write_lines(order)
        if change.inbox is not None:
            await InboxRow.create(**asdict(change.inbox), using_db=self._transaction)
        await OutboxRow.bulk_create(
            [
                OutboxRow(**dict(zip(_MESSAGE_FIELDS, row, strict=True)))
                for row in message_rows(change)
            ],
            using_db=self._transaction,
        )

    async def _write_account(self, account: Account, *, is_new: bool) -> None:
        written = {"version": account.next_version, "balance_cents": account.balance_cents}
        if is_new:
            await AccountRow.create(id=account.id, **written, using_db=self._transaction)
        else:
            await self._update(AccountRow, account, written)

    async def _write_order(self, order: Order, *, is_new: bool) -> None:
        written = {"version": order.next_version, "status": order.status.value, "tags": order.tags}
        if is_new:
            await OrderRow.create(
                id=order.id, account_id=order.account_id, **written, using_db=self._transaction
            )
        else:
            # Also when only a line changed: the version of the root stands for the whole aggregate.
            await self._update(OrderRow, order, written)

    async def _update(
        self, model: type[Model], aggregate: Aggregate, written: dict[str, Any]
    ) -> None:
        """Update a row at the version that was read. That it hits nothing is no error to SQL."""
        rows = model.filter(id=aggregate.id, version=aggregate.version)
        if await rows.using_db(self._transaction).update(**written) != 1:
            raise VersionConflict(aggregate.aggregate_type, aggregate.id, aggregate.version)

    async def _write_lines(self, order: Order) -> None:
        lines = line_changes(self._stored_lines.get(order.id, {}), order.lines)
        stored = OrderLineRow.filter(order_id=order.id).using_db(self._transaction)
        if lines.added:
            await OrderLineRow.bulk_create(
                [OrderLineRow(order_id=order.id, **asdict(line)) for line in lines.added],
                using_db=self._transaction,
            )
        for line in lines.changed:
            await stored.filter(line_no=line.line_no).update(
                sku=line.sku, quantity=line.quantity, unit_price_cents=line.unit_price_cents
            )
        if lines.removed:
            await stored.filter(line_no__in=lines.removed).delete()
