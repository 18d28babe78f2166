"""Stores a batch of changes in one statement, and finds out what became of each.

The statement is a transaction of its own. It skips a change that conflicts; where it fails as a
whole, nothing of it is stored, and its changes are sent one by one to find the culprit. One by one
they are the statements of the plan `single`, which also serves who is alone in a batch.
"""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, Any, cast

from outboxbench.core.application.outcome import (
    FailureKind,
    PersistenceError,
    Stage,
    VersionConflict,
)
from outboxbench.core.strategies.group.statements import (
    WRITE_ACCOUNTS,
    WRITE_HANDLED_ACCOUNTS,
    WRITE_HANDLED_ORDERS,
    WRITE_ORDERS,
)
from outboxbench.core.strategies.rows import encode_tags, line_changes
from outboxbench.core.strategies.server_report import UNIQUE_VIOLATION
from outboxbench.core.strategies.whole_change import whole_change

if TYPE_CHECKING:
    from collections.abc import Callable

    from outboxbench.core.domain.ordering import Order
    from outboxbench.core.domain.payments import Account
    from outboxbench.core.strategies.group.requests import WriteRequest
    from outboxbench.core.strategies.group.session import GroupSession

    Columns = tuple[list[Any], ...]

FEWEST_TOGETHER = 2
"""Fewer changes do not pay for a statement over arrays, which costs the server more to begin."""


async def write_accounts(session: GroupSession, batch: list[WriteRequest]) -> None:
    """Store changes of accounts."""
    await _write(session, batch, WRITE_ACCOUNTS, WRITE_HANDLED_ACCOUNTS, _account_columns)


async def write_orders(session: GroupSession, batch: list[WriteRequest]) -> None:
    """Store changes of orders and their lines."""
    await _write(session, batch, WRITE_ORDERS, WRITE_HANDLED_ORDERS, _order_columns)


async def _write(
    session: GroupSession,
    batch: list[WriteRequest],
    statement: str,
    handling_statement: str,
    columns_of: Callable[[list[WriteRequest]], Columns],
) -> None:
    if len(batch) < FEWEST_TOGETHER:
        await _write_singly(session, batch)
        return
    columns = (*_root_columns(batch), *_message_columns(batch), *columns_of(batch))
    if any(request.change.inbox is not None for request in batch):
        statement, columns = handling_statement, (*columns, *_inbox_columns(batch))
    _mark(batch, Stage.COMMIT_SENT)
    try:
        stored = {position for (position,) in await session.fetch(statement, *columns)}
    except PersistenceError as error:
        if not error.answered and not session.never_sent(error):
            raise
        # None of them is on its way any more.
        _mark(batch, Stage.WORK)
        await _write_singly(session, batch)
    else:
        for position, request in enumerate(batch, start=1):
            _answer(request, stored=position in stored)


async def _write_singly(session: GroupSession, batch: list[WriteRequest]) -> None:
    for request in batch:
        if request.answer.done():
            continue
        change = request.change
        statement, parameters = whole_change(change, request.states, request.stored_lines)
        request.attempt.stage = Stage.COMMIT_SENT
        try:
            messages = await session.execute(statement, *parameters)
        except PersistenceError as error:
            if not error.answered:
                if not session.never_sent(error):
                    raise
                request.attempt.stage = Stage.WORK
            request.refuse(error)
        else:
            _answer(request, stored=messages == len(change.messages))


def _mark(batch: list[WriteRequest], stage: Stage) -> None:
    for request in batch:
        request.attempt.stage = stage


def _answer(request: WriteRequest, *, stored: bool) -> None:
    aggregate = request.change.aggregate
    request.was_stored = stored
    if stored:
        request.resolve(None)
    elif request.change.is_new:
        request.refuse(
            PersistenceError(
                f"there is already one {aggregate.aggregate_type} {aggregate.id}",
                FailureKind.CONSTRAINT,
                sqlstate=UNIQUE_VIOLATION,
                answered=True,
            )
        )
    else:
        request.refuse(VersionConflict(aggregate.aggregate_type, aggregate.id, request.version))


def _root_columns(batch: list[WriteRequest]) -> Columns:
    return (
        [request.aggregate_id for request in batch],
        [request.version for request in batch],
        [request.change.op_id for request in batch],
    )


def _message_columns(batch: list[WriteRequest]) -> tuple[Any, ...]:
    messages = [
        (position, ordinal, message)
        for position, request in enumerate(batch, start=1)
        for ordinal, message in enumerate(request.change.messages)
    ]
    return (
        [position for position, _, _ in messages],
        [ordinal for _, ordinal, _ in messages],
        [message.topic for _, _, message in messages],
        [message.audience.value for _, _, message in messages],
        f"[{','.join(state for request in batch for state in request.states)}]",
    )


def _inbox_columns(batch: list[WriteRequest]) -> Columns:
    entries = [
        (position, request.change.inbox)
        for position, request in enumerate(batch, start=1)
        if request.change.inbox is not None
    ]
    return (
        [position for position, _ in entries],
        [entry.handler for _, entry in entries],
        [entry.op_id for _, entry in entries],
        [entry.ordinal for _, entry in entries],
    )


def _account_columns(batch: list[WriteRequest]) -> Columns:
    accounts = [cast("Account", request.change.aggregate) for request in batch]
    return ([account.balance_cents for account in accounts],)


def _order_columns(batch: list[WriteRequest]) -> Columns:
    orders = [cast("Order", request.change.aggregate) for request in batch]
    changes = [
        line_changes(request.stored_lines, order.lines)
        for request, order in zip(batch, orders, strict=True)
    ]
    written = [
        (position, line)
        for position, lines in enumerate(changes, start=1)
        for line in chain(lines.added, lines.changed)
    ]
    removed = [
        (position, line_no)
        for position, lines in enumerate(changes, start=1)
        for line_no in lines.removed
    ]
    return (
        [order.account_id for order in orders],
        [order.status.value for order in orders],
        [encode_tags(order.tags) for order in orders],
        [position for position, _ in written],
        [line.line_no for _, line in written],
        [line.sku for _, line in written],
        [line.quantity for _, line in written],
        [line.unit_price_cents for _, line in written],
        [position for position, _ in removed],
        [line_no for _, line_no in removed],
    )
