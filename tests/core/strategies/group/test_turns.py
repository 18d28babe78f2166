"""How units of work that read the same take turns, and who is not waited for."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING
from uuid import uuid4

from tests.core.strategies.group.batches import version_of

from outboxbench.core.application.bootstrap import bootstrap
from outboxbench.core.application.outcome import Attempt, FailureKind, Outcome, Stage
from outboxbench.core.application.retry import RetryPolicy, run_operation
from outboxbench.core.domain.payments import Deposit
from outboxbench.core.strategies.asyncpg.group import AsyncpgGroupSession, group_persistence
from outboxbench.core.strategies.asyncpg.persistence import open_pool
from outboxbench.core.strategies.group.committer import GroupCommitter
from outboxbench.core.strategies.settings import StrategySettings
from outboxbench.testing.gate import closed_gate
from outboxbench.testing.steps import deposit, judged, new_account

if TYPE_CHECKING:
    from outboxbench.testing.postgres_arena import PostgresArena

pytest_plugins = ["outboxbench.testing.fixtures"]


async def test_a_reader_waits_for_the_change_under_way(arena: PostgresArena) -> None:
    persistence = await arena.open(pool_size=2)
    account, other = await new_account(persistence), await new_account(persistence)

    async with closed_gate(arena, "commit") as gate:
        change = asyncio.create_task(deposit(persistence, account, Attempt(uuid4())))
        await gate.reached()
        reader = asyncio.create_task(version_of(persistence, account.id))
        # Asked later and answered: the connection was free, and the reader not served.
        assert await version_of(persistence, other.id) == 2
    await change
    assert await reader == 3


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
