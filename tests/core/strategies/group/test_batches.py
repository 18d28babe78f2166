"""What only units of work that travel together can do to each other, and do not."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest
from tests.core.strategies.group.batches import (
    STORED,
    Batch,
    busy_connection,
    transactions,
    version_of,
)

from outboxbench.core.application.outcome import Attempt, FailureKind, Outcome, Stage
from outboxbench.core.domain.ordering import OrderLine
from outboxbench.core.strategies.asyncpg.group import AsyncpgGroupSession, group_persistence
from outboxbench.core.strategies.asyncpg.persistence import open_pool
from outboxbench.core.strategies.group.committer import GroupCommitter
from outboxbench.core.strategies.settings import StrategySettings
from outboxbench.testing.gate import closed_gate
from outboxbench.testing.steps import deposit, judged, new_account, new_order

if TYPE_CHECKING:
    from outboxbench.core.strategies.settings import DatabaseAddress
    from outboxbench.testing.postgres_arena import PostgresArena

pytest_plugins = ["outboxbench.testing.fixtures"]


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
            await version_of(persistence, other.id)
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
