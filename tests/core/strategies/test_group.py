"""What only units of work that travel together can do to each other, and do not."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING
from uuid import UUID, uuid4

import pytest
import pytest_asyncio

from outboxbench.core.application.bootstrap import bootstrap
from outboxbench.core.application.outcome import (
    Attempt,
    FailureKind,
    Outcome,
    Stage,
    failure_kind,
    outcome_of,
)
from outboxbench.core.application.retry import RetryPolicy, run_operation
from outboxbench.core.domain.ordering import OrderLine
from outboxbench.core.domain.payments import Account, Deposit
from outboxbench.core.strategies.asyncpg.group import AsyncpgGroupSession, group_persistence
from outboxbench.core.strategies.asyncpg.persistence import open_pool
from outboxbench.core.strategies.group.committer import GroupCommitter
from outboxbench.core.strategies.registry import load_strategy
from outboxbench.core.strategies.settings import StrategySettings
from outboxbench.testing.gate import closed_gate
from outboxbench.testing.postgres_arena import PostgresArena
from outboxbench.testing.steps import deposit, judged, new_account, new_order

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from outboxbench.core.application.ports import Persistence, UnitOfWork
    from outboxbench.core.strategies.settings import DatabaseAddress

pytest_plugins = ["outboxbench.testing.fixtures"]

STORED = (None, Outcome.OK)


@pytest_asyncio.fixture(params=["asyncpg-group", "psycopg-group"])
async def arena(
    request: pytest.FixtureRequest, contract_database: DatabaseAddress
) -> AsyncIterator[PostgresArena]:
    async with PostgresArena(load_strategy(request.param), "matched", contract_database) as arena:
        yield arena


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


async def _version_of(persistence: Persistence, account_id: UUID) -> int:
    async with persistence.unit_of_work(Attempt(uuid4())) as unit:
        return (await unit.accounts.get(account_id)).version


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


async def test_what_is_ready_together_is_stored_by_one_transaction(arena: PostgresArena) -> None:
    persistence = await arena.open(pool_size=1)
    accounts = [await new_account(persistence) for _ in range(5)]
    batch = Batch(persistence)
    for account in accounts:
        await batch.deposit(account.id)
    async with busy_connection(arena, persistence):
        batch.commit()
    assert await batch.judgements() == [STORED] * 5
    assert await transactions(arena, batch.op_ids) == 1
    for account in accounts:
        stored = await arena.account(account.id)
        assert stored is not None
        assert (stored.version, stored.balance_cents) == (3, 1_001)


async def test_a_conflict_is_told_to_its_command_alone(arena: PostgresArena) -> None:
    persistence = await arena.open(pool_size=1)
    accounts = [await new_account(persistence) for _ in range(3)]
    batch = Batch(persistence)
    for account in accounts:
        await batch.deposit(account.id)
    async with busy_connection(arena, persistence):
        await arena.execute(
            f"UPDATE accounts SET version = version + 1 WHERE id = '{accounts[1].id}'"
        )
        batch.commit()
    conflict = (FailureKind.VERSION_CONFLICT, Outcome.FAILED)
    assert await batch.judgements() == [STORED, conflict, STORED]
    assert await transactions(arena, batch.op_ids) == 1
    assert await arena.messages(batch.op_ids[1]) == []


async def test_an_id_that_is_taken_is_told_to_its_command_alone(arena: PostgresArena) -> None:
    persistence = await arena.open(pool_size=1)
    taken, new = await new_account(persistence), uuid4()
    batch = Batch(persistence)
    await batch.open_account(taken.id)
    await batch.open_account(new)
    async with busy_connection(arena, persistence):
        batch.commit()
    assert await batch.judgements() == [(FailureKind.CONSTRAINT, Outcome.FAILED), STORED]
    assert await transactions(arena, batch.op_ids) == 1
    assert await arena.messages(batch.op_ids[0]) == []
    assert await arena.account(new) is not None


async def test_an_error_of_the_statement_hits_its_culprit_alone(arena: PostgresArena) -> None:
    persistence = await arena.open(pool_size=1)
    accounts = [await new_account(persistence) for _ in range(3)]
    batch, twice = Batch(persistence), uuid4()
    await batch.deposit(accounts[0].id, twice)
    await batch.deposit(accounts[1].id, twice)
    await batch.deposit(accounts[2].id)
    async with busy_connection(arena, persistence):
        batch.commit()
    repeated = (FailureKind.DUPLICATE_OPERATION, Outcome.FAILED)
    assert await batch.judgements() == [STORED, repeated, STORED]
    assert [message.aggregate_id for message in await arena.messages(twice)] == [accounts[0].id]


@pytest.mark.parametrize(
    "line",
    [
        pytest.param(OrderLine(9, "tea", 2**40, 1), id="a number too large"),
        pytest.param(OrderLine(9, "t\0a", 1, 1), id="a text that PostgreSQL cannot hold"),
        pytest.param(OrderLine(9, "t\udc80a", 1, 1), id="a text that is no Unicode"),
    ],
)
async def test_a_value_that_cannot_be_stored_fails_its_command_alone(
    arena: PostgresArena, line: OrderLine
) -> None:
    persistence = await arena.open(pool_size=1)
    orders = [await new_order(persistence) for _ in range(3)]
    batch = Batch(persistence)
    await batch.add_line(orders[0].id, OrderLine(9, "tea", 1, 1))
    await batch.add_line(orders[1].id, line)
    await batch.add_line(orders[2].id, OrderLine(9, "tea", 1, 1))
    async with busy_connection(arena, persistence):
        batch.commit()
    first, poisoned, last = await batch.judgements()
    assert (first, poisoned[1], last) == (STORED, Outcome.FAILED, STORED)
    assert await arena.messages(batch.op_ids[1]) == []


async def test_a_lost_connection_leaves_exactly_its_batch_in_doubt(arena: PostgresArena) -> None:
    persistence = await arena.open(pool_size=1)
    accounts = [await new_account(persistence) for _ in range(3)]
    lost, later = Batch(persistence), Batch(persistence)
    await lost.deposit(accounts[0].id)
    await lost.deposit(accounts[1].id)
    await later.deposit(accounts[2].id)
    async with closed_gate(arena, "commit") as gate:
        lost.commit()
        pid = await gate.reached()
        later.commit()
        await arena.terminate(pid)
        in_doubt = (FailureKind.CONNECTION, Outcome.INDETERMINATE)
        assert await lost.judgements() == [in_doubt, in_doubt]
    assert await later.judgements() == [STORED]
    assert await transactions(arena, later.op_ids) == 1


async def test_who_goes_away_before_anything_is_sent_has_failed(arena: PostgresArena) -> None:
    persistence = await arena.open(pool_size=1)
    accounts = [await new_account(persistence) for _ in range(2)]
    batch = Batch(persistence)
    for account in accounts:
        await batch.deposit(account.id)
    async with busy_connection(arena, persistence):
        batch.commit()
        await asyncio.sleep(0)
        batch.cancel(0)
    (_, gone), stayed = await batch.judgements()
    assert (gone, stayed) == (Outcome.FAILED, STORED)
    assert await arena.messages(batch.op_ids[0]) == []


async def test_a_reader_waits_for_the_change_under_way(arena: PostgresArena) -> None:
    persistence = await arena.open(pool_size=2)
    account, other = await new_account(persistence), await new_account(persistence)

    async with closed_gate(arena, "commit") as gate:
        change = asyncio.create_task(deposit(persistence, account, Attempt(uuid4())))
        await gate.reached()
        reader = asyncio.create_task(_version_of(persistence, account.id))
        # Asked later and answered: the connection was free, and the reader not served.
        assert await _version_of(persistence, other.id) == 2
    await change
    assert await reader == 3


async def test_an_aggregate_is_in_one_batch_at_a_time(arena: PostgresArena) -> None:
    persistence = await arena.open(pool_size=2)
    account, other = await new_account(persistence), await new_account(persistence)
    sent, held_back = Batch(persistence), Batch(persistence)
    await sent.deposit(account.id)
    await held_back.deposit(account.id)
    async with closed_gate(arena, "commit") as gate:
        sent.commit()
        await gate.reached()
        held_back.commit()
        async with arena.patience("the connection that is free"):
            await _version_of(persistence, other.id)
        assert held_back.stages == [Stage.WORK]
    assert await sent.judgements() == [STORED]
    assert await held_back.judgements() == [(FailureKind.VERSION_CONFLICT, Outcome.FAILED)]


async def test_rows_are_locked_in_the_order_of_their_ids(arena: PostgresArena) -> None:
    persistence = await arena.open(pool_size=1)
    first, last = sorted([(await new_account(persistence)).id for _ in range(2)])
    batch = Batch(persistence)
    await batch.deposit(last)
    await batch.deposit(first)
    outsider = await arena.outsider()
    async with outsider.transaction():
        await outsider.execute("SELECT FROM accounts WHERE id = $1 FOR UPDATE", first)
        batch.commit()
        await arena.blocked_backend()
        # Refused at once if the batch had locked this one before it came to wait for the other.
        await outsider.execute("SELECT FROM accounts WHERE id = $1 FOR UPDATE NOWAIT", last)
    assert await batch.judgements() == [STORED, STORED]


async def test_a_known_operation_is_refused_before_anybody_works_for_it(
    arena: PostgresArena,
) -> None:
    persistence = await arena.open()
    account, op_id = await new_account(persistence), uuid4()
    await deposit(persistence, account, Attempt(op_id))

    async def read(attempt: Attempt) -> None:
        async with persistence.unit_of_work(attempt) as unit:
            await unit.accounts.get(account.id)

    attempt = Attempt(op_id)
    assert await judged(attempt, read(attempt)) == (
        FailureKind.DUPLICATE_OPERATION,
        Outcome.FAILED,
        Stage.WORK,
    )


async def test_no_more_than_the_bound_is_under_way(
    arena: PostgresArena, contract_database: DatabaseAddress
) -> None:
    settings = StrategySettings(contract_database, pool_size=2)
    pool = await open_pool(settings)
    committer = GroupCommitter(partial(AsyncpgGroupSession, pool), 2, max_waiting=3)
    persistence = group_persistence(committer, pool, settings)
    try:
        accounts = [await new_account(persistence) for _ in range(12)]
        attempts = [Attempt(uuid4()) for _ in accounts]
        async with asyncio.timeout(20):
            await asyncio.gather(
                *(
                    deposit(persistence, account, attempt)
                    for account, attempt in zip(accounts, attempts, strict=True)
                )
            )
        op_ids = [attempt.op_id for attempt in attempts]
        assert await transactions(arena, op_ids) >= len(accounts) / 3
    finally:
        await persistence.close()


async def test_a_unit_of_work_that_is_alone_keeps_its_connection_from_the_read_to_the_write(
    arena: PostgresArena,
) -> None:
    settings = StrategySettings(arena.address, pool_size=2)
    pool = await open_pool(settings)
    sessions: list[AsyncpgGroupSession] = []

    def new_session() -> AsyncpgGroupSession:
        sessions.append(AsyncpgGroupSession(pool))
        return sessions[-1]

    persistence = group_persistence(GroupCommitter(new_session, 2), pool, settings)
    try:
        account = await new_account(persistence)
        sessions.clear()
        for _ in range(3):
            await deposit(persistence, account, Attempt(uuid4()))
            account.version += 1
        # Nor does it let go between two operations that follow each other at once.
        assert len(sessions) <= 1
    finally:
        await persistence.close()


async def test_an_account_that_many_read_at_once_is_handed_from_one_to_the_next(
    arena: PostgresArena,
) -> None:
    persistence = await arena.open(pool_size=3)
    account = await new_account(persistence)
    bus, never_again = bootstrap(persistence), RetryPolicy(1)
    command = Deposit(account_id=account.id, amount_cents=1)
    async with asyncio.timeout(20):
        results = await asyncio.gather(
            *(run_operation(bus, command, uuid4(), never_again) for _ in range(20))
        )
    assert {result.outcome for result in results} == {Outcome.OK}


async def test_a_reader_that_lingers_is_not_waited_for(arena: PostgresArena) -> None:
    persistence = await arena.open(pool_size=1)
    account = await new_account(persistence)
    both_read = asyncio.Barrier(2)

    async def read_and_wait_for_the_other() -> None:
        async with persistence.unit_of_work(Attempt(uuid4())) as unit:
            await unit.accounts.get(account.id)
            await both_read.wait()

    async with asyncio.timeout(20):
        await asyncio.gather(read_and_wait_for_the_other(), read_and_wait_for_the_other())


async def test_changes_of_one_account_stay_in_order_and_none_is_lost(arena: PostgresArena) -> None:
    persistence = await arena.open(pool_size=3)
    account = await new_account(persistence)
    bus, policy = bootstrap(persistence), RetryPolicy(100)
    command = Deposit(account_id=account.id, amount_cents=1)
    async with asyncio.timeout(20):
        results = await asyncio.gather(
            *(run_operation(bus, command, uuid4(), policy) for _ in range(20))
        )
    assert {result.outcome for result in results} == {Outcome.OK}
    history = await arena.messages_about(account.id)
    assert [message.version for message in history] == list(range(1, 23))
    balances = [message.state["balance_cents"] for message in history[1:]]
    assert balances == list(range(1_000, 1_021))


async def test_closing_tells_who_still_waits(arena: PostgresArena) -> None:
    persistence = await arena.open(pool_size=1)
    account = await new_account(persistence)
    outsider = await arena.outsider()
    attempt = Attempt(uuid4())
    async with outsider.transaction():
        await outsider.execute("SELECT FROM accounts WHERE id = $1 FOR UPDATE", account.id)
        waiting = asyncio.create_task(deposit(persistence, account, attempt))
        await arena.blocked_backend()
        await persistence.close()
        _, outcome, _ = await judged(attempt, waiting)
    assert outcome is Outcome.INDETERMINATE
