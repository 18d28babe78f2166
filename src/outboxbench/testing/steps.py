"""The steps that the tests of the contract are made of."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, TypeAlias
from uuid import uuid4

import pytest

from outboxbench.core.application.bootstrap import bootstrap
from outboxbench.core.application.outcome import (
    Attempt,
    FailureKind,
    Outcome,
    PersistenceError,
    Stage,
    failure_kind,
    outcome_of,
)
from outboxbench.core.domain.ordering import Order, OrderLine, PlaceOrder
from outboxbench.core.domain.payments import Account, Deposit, OpenAccount
from outboxbench.testing.stored import stored_account, stored_messages, stored_order

if TYPE_CHECKING:
    from collections.abc import Awaitable
    from uuid import UUID

    from outboxbench.core.application.ports import Persistence
    from outboxbench.core.domain.message import Command
    from outboxbench.testing.arena import Arena

Judgement: TypeAlias = tuple[FailureKind, Outcome, Stage]

# How long anything may take before the test that waits for it fails.
PATIENCE_S = 20.0

# What a careless conversion would spoil: quotes, separators, the word NULL, letters beyond ASCII.
TAGS = ("gift", 'a "quoted", {braced} one', "NULL", "über\\", "")
LINES = (
    OrderLine(1, "tea-100g", 2, 450),
    OrderLine(2, "Käse 'alt'", 1, 1_299),
    OrderLine(7, "gold-bar", 3, 6_000_000_000),
)


async def handle(
    persistence: Persistence, command: Command, attempt: Attempt | None = None
) -> None:
    """Handle a command as the application does, in one unit of work."""
    await bootstrap(persistence).handle(command, attempt or Attempt(uuid4()))


async def new_account(persistence: Persistence, balance_cents: int = 1_000) -> Account:
    """Store an account and return it as the domain has it. `balance_cents` is positive."""
    account_id = uuid4()
    await handle(persistence, OpenAccount(account_id=account_id))
    await handle(persistence, Deposit(account_id=account_id, amount_cents=balance_cents))
    return Account(account_id, balance_cents, version=2)


async def new_order(persistence: Persistence, lines: tuple[OrderLine, ...] = LINES) -> Order:
    """Store an order and return it as the domain has it."""
    order = Order.place(uuid4(), uuid4(), lines, TAGS)
    await handle(
        persistence,
        PlaceOrder(order_id=order.id, account_id=order.account_id, lines=lines, tags=TAGS),
    )
    order.take_events()
    order.version += 1
    return order


async def assert_stored(
    arena: Arena, persistence: Persistence, aggregate: Account | Order, op_id: UUID
) -> None:
    """Check that one operation stored what the domain says.

    `aggregate` has gone through the same change, and holds the events that it raised.
    """
    messages = aggregate.take_events()
    aggregate.version += 1
    assert await arena.messages(op_id) == stored_messages(op_id, aggregate, messages), (
        "the stored messages are not what the domain raised"
    )
    await assert_state(arena, persistence, aggregate)


async def assert_state(arena: Arena, persistence: Persistence, aggregate: Account | Order) -> None:
    """Check that the rows are as the domain has the aggregate, and that it is loaded as such."""
    unit = persistence.unit_of_work(Attempt(uuid4()))
    match aggregate:
        case Account() as account:
            assert await arena.account(account.id) == stored_account(account), (
                "the stored account is not as the domain has it"
            )
            async with unit:
                loaded_account = await unit.accounts.get(account.id)
            assert stored_account(loaded_account) == stored_account(account)
        case Order() as order:
            assert await arena.order(order.id) == stored_order(order), (
                "the stored order is not as the domain has it"
            )
            async with unit:
                loaded_order = await unit.orders.get(order.id)
            assert stored_order(loaded_order) == stored_order(order)


async def assert_atomic(arena: Arena, account: Account, op_id: UUID) -> None:
    """Check that a deposit whose fate is unknown is stored whole or not at all."""
    stored = await arena.account(account.id)
    assert stored is not None
    versions = [message.version for message in await arena.messages(op_id)]
    assert (stored.version, versions) in (
        (account.version, []),
        (account.next_version, [account.next_version]),
    ), "state and messages were not committed together"


async def save(persistence: Persistence, account: Account, attempt: Attempt) -> None:
    """Commit what was done to an account, wherever it was read."""
    async with persistence.unit_of_work(attempt) as unit:
        await unit.accounts.save(account)
        await unit.commit()


async def race(*racers: Awaitable[None]) -> list[BaseException | None]:
    """Run all at the same time, and return what each raised."""
    async with asyncio.timeout(PATIENCE_S):
        return await asyncio.gather(*racers, return_exceptions=True)


async def judged(attempt: Attempt, work: Awaitable[object]) -> Judgement:
    """Run what has to fail, and return why it did, the outcome and the stage that was reached."""
    with pytest.raises((PersistenceError, asyncio.CancelledError)) as caught:
        await work
    return failure_kind(caught.value), outcome_of(caught.value, attempt.stage), attempt.stage


async def deposit(
    persistence: Persistence, account: Account, attempt: Attempt, amount_cents: int = 1
) -> None:
    """Put money into an account, in one unit of work that reports to `attempt`."""
    await handle(persistence, Deposit(account_id=account.id, amount_cents=amount_cents), attempt)
