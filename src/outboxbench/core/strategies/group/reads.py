"""Reads a batch of aggregates in one statement.

The answer of a request is its aggregate, or None where there is none. An operation that is known
already is refused here, before anybody works for it a second time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from outboxbench.core.application.outcome import FailureKind, PersistenceError
from outboxbench.core.domain.ordering import Order, OrderLine, OrderStatus
from outboxbench.core.domain.payments import Account
from outboxbench.core.strategies.group.statements import READ_ACCOUNTS, READ_ORDERS
from outboxbench.core.strategies.server_report import UNIQUE_VIOLATION

if TYPE_CHECKING:
    from collections.abc import Callable
    from uuid import UUID

    from outboxbench.core.strategies.group.requests import Request
    from outboxbench.core.strategies.group.session import GroupSession

    Rows = list[tuple[Any, ...]]


async def read_accounts(session: GroupSession, batch: list[Request]) -> None:
    """Answer every request with its account."""
    await _read(session, batch, READ_ACCOUNTS, _account)


async def read_orders(session: GroupSession, batch: list[Request]) -> None:
    """Answer every request with its order."""
    await _read(session, batch, READ_ORDERS, _order)


async def _read(
    session: GroupSession, batch: list[Request], statement: str, build: Callable[[Rows], object]
) -> None:
    ids = [request.aggregate_id for request in batch]
    op_ids = [request.attempt.op_id for request in batch]
    rows_of: dict[int, Rows] = {}
    known: set[UUID] = set()
    for row in await session.fetch(statement, ids, op_ids):
        # Only an operation has no version.
        if row[1] is None:
            known.add(row[0])
        else:
            rows_of.setdefault(row[0].int, []).append(row)
    for request in batch:
        if known and request.attempt.op_id in known:
            request.refuse(_duplicate(request.attempt.op_id))
        else:
            rows = rows_of.get(request.key)
            # Each reader gets an aggregate of its own.
            request.resolve(None if rows is None else build(rows))


def _account(rows: Rows) -> Account:
    account_id, version, balance_cents = rows[0]
    return Account(account_id, balance_cents, version)


def _order(rows: Rows) -> Order:
    order_id, version, account_id, status, tags = rows[0][:5]
    lines = [OrderLine(*row[5:]) for row in rows if row[5] is not None]
    lines.sort(key=lambda line: line.line_no)
    return Order(order_id, account_id, OrderStatus(status), tags, lines, version)


def _duplicate(op_id: UUID) -> PersistenceError:
    return PersistenceError(
        f"the operation {op_id} is stored already",
        FailureKind.DUPLICATE_OPERATION,
        sqlstate=UNIQUE_VIOLATION,
        answered=True,
    )
