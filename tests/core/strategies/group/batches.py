"""Units of work that are made to travel together."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING
from uuid import UUID, uuid4

from outboxbench.core.application.outcome import (
    Attempt,
    FailureKind,
    Outcome,
    Stage,
    failure_kind,
    outcome_of,
)
from outboxbench.core.domain.payments import Account
from outboxbench.testing.steps import deposit, new_account

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from outboxbench.core.application.ports import Persistence, UnitOfWork
    from outboxbench.core.domain.ordering import OrderLine
    from outboxbench.testing.postgres_arena import PostgresArena

STORED = (None, Outcome.OK)


class Batch:
    """Changes that gather while the only connection waits, and so travel as one batch."""

    def __init__(self, persistence: Persistence) -> None:
        self._persistence = persistence
        self.op_ids: list[UUID] = []
        self._units: list[tuple[UnitOfWork, Attempt]] = []
        self._commits: list[asyncio.Task[None]] = []

    async def deposit(self, account_id: UUID, op_id: UUID | None = None) -> None:
        """Have money put into an account that is read now."""
        unit = self._enter(op_id)
        account = await unit.accounts.get(account_id)
        account.deposit(1)
        await unit.accounts.save(account)

    async def open_account(self, account_id: UUID) -> None:
        """Have an account opened."""
        await self._enter(None).accounts.add(Account.open(account_id))

    async def add_line(self, order_id: UUID, line: OrderLine) -> None:
        """Have a line added to an order that is read now."""
        unit = self._enter(None)
        order = await unit.orders.get(order_id)
        order.add_line(line)
        await unit.orders.save(order)

    def commit(self) -> None:
        """Let all changes wait for a connection."""
        self._commits = [asyncio.create_task(_commit(unit)) for unit, _ in self._units]

    def cancel(self, index: int) -> None:
        """Have one unit of work go away."""
        self._commits[index].cancel()

    async def judgements(self) -> list[tuple[FailureKind | None, Outcome]]:
        """Return what became of each."""
        async with asyncio.timeout(20):
            errors = await asyncio.gather(*self._commits, return_exceptions=True)
        return [
            STORED if error is None else (failure_kind(error), outcome_of(error, attempt.stage))
            for error, (_, attempt) in zip(errors, self._units, strict=True)
        ]

    @property
    def stages(self) -> list[Stage]:
        """How far each has got."""
        return [attempt.stage for _, attempt in self._units]

    def _enter(self, op_id: UUID | None) -> UnitOfWork:
        attempt = Attempt(op_id or uuid4())
        self.op_ids.append(attempt.op_id)
        unit = self._persistence.unit_of_work(attempt)
        attempt.stage = Stage.WORK
        self._units.append((unit, attempt))
        return unit


async def _commit(unit: UnitOfWork) -> None:
    try:
        await unit.commit()
    except BaseException as error:
        await unit.__aexit__(type(error), error, None)
        raise
    await unit.__aexit__(None, None, None)


@asynccontextmanager
async def busy_connection(arena: PostgresArena, persistence: Persistence) -> AsyncIterator[None]:
    """Keep the only connection waiting for a row that somebody else has locked."""
    account = await new_account(persistence)
    outsider = await arena.outsider()
    async with outsider.transaction():
        await outsider.execute("SELECT FROM accounts WHERE id = $1 FOR UPDATE", account.id)
        waiting = asyncio.create_task(deposit(persistence, account, Attempt(uuid4())))
        await arena.blocked_backend()
        yield
    await waiting


async def transactions(arena: PostgresArena, op_ids: list[UUID]) -> int:
    """Return by how many transactions the messages of these operations were stored."""
    rows = await arena.fetch(
        "SELECT count(DISTINCT xmin::text) FROM outbox WHERE op_id = ANY ($1)", op_ids
    )
    return int(rows[0][0])


async def version_of(persistence: Persistence, account_id: UUID) -> int:
    """Read an account, and return its version."""
    async with persistence.unit_of_work(Attempt(uuid4())) as unit:
        return (await unit.accounts.get(account_id)).version
