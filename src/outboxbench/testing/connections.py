"""No connection is lost for good, and every session is set up as it was asked for."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, get_args
from uuid import UUID, uuid4

import pytest

from outboxbench.core.application.outcome import (
    Attempt,
    FailureKind,
    Outcome,
    PersistenceError,
    Stage,
    failure_kind,
    outcome_of,
)
from outboxbench.core.domain.aggregate import Refused
from outboxbench.core.strategies.settings import Isolation
from outboxbench.testing.atomicity import REFUSE_AT_COMMIT_SQL
from outboxbench.testing.steps import deposit, new_account, race

if TYPE_CHECKING:
    import asyncpg

    from outboxbench.core.application.ports import Persistence
    from outboxbench.core.domain.payments import Account
    from outboxbench.testing.postgres_arena import PostgresArena

POOL_SIZE = 2
FAILING_UNITS = 1_000
# Every so many of them is cancelled at work or has its session killed: these take longer.
CANCELLED_EVERY = 50
KILLED_EVERY = 70

OBSERVE_SQL = """
    CREATE TABLE observed (isolation text, statement_timeout_ms integer);
    CREATE FUNCTION observe() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN
        INSERT INTO observed SELECT current_setting('transaction_isolation'), setting::integer
        FROM pg_settings WHERE name = 'statement_timeout';
        RETURN NULL;
    END $$;
    CREATE TRIGGER observe AFTER INSERT ON outbox
    FOR EACH STATEMENT EXECUTE FUNCTION observe()
"""


class Connections:
    """Pools that survive what is done to them, and sessions as they were opened."""

    async def test_units_of_work_run_at_the_isolation_and_with_the_timeout_they_were_given(
        self, arena: PostgresArena
    ) -> None:
        await arena.execute(OBSERVE_SQL)
        for isolation in get_args(Isolation):
            persistence = await arena.open(
                pool_size=1, isolation=isolation, statement_timeout_s=7.5
            )
            await new_account(persistence)
            observed = await arena.fetch("DELETE FROM observed RETURNING *")
            assert {tuple(row) for row in observed} == {(isolation, 7_500)}

    async def test_every_connection_stands_once_the_strategy_is_open(
        self, arena: PostgresArena
    ) -> None:
        await arena.open(pool_size=POOL_SIZE)
        assert len(await arena.backends()) == POOL_SIZE

    async def test_a_failure_that_the_server_answered_costs_no_connection(
        self, arena: PostgresArena
    ) -> None:
        persistence = await arena.open(pool_size=POOL_SIZE)
        account, committed = await new_account(persistence), uuid4()
        await deposit(persistence, account, Attempt(committed))
        sessions = set(await arena.backends())
        await _fail_by_a_refusal(persistence, account, committed)
        await _fail_by_an_unknown_id(persistence, account, committed)
        await _fail_by_a_repetition(persistence, account, committed)
        await arena.execute(REFUSE_AT_COMMIT_SQL.format(table="outbox"))
        with pytest.raises(PersistenceError):
            await deposit(persistence, account, Attempt(uuid4()))
        assert set(await arena.backends()) == sessions

    async def test_a_connection_that_died_idle_is_replaced(self, arena: PostgresArena) -> None:
        persistence = await arena.open(pool_size=POOL_SIZE)
        account = await new_account(persistence)
        await arena.terminate(*await arena.backends())
        found_dead = 0
        # Units of work that travel together find the same connection dead.
        units_of_a_connection = POOL_SIZE if arena.shares_connections else 1
        while dead := await _use_whole_pool(persistence, account):
            found_dead += dead
            assert found_dead <= POOL_SIZE * units_of_a_connection, (
                "a dead connection was handed out more than once"
            )

    async def test_a_connection_that_died_in_use_is_replaced(self, arena: PostgresArena) -> None:
        persistence = await arena.open(pool_size=POOL_SIZE)
        account = await new_account(persistence)
        await _fail_by_a_killed_session(arena, await arena.outsider(), persistence, account)
        assert await _use_whole_pool(persistence, account) == 0
        await _assert_pool_size(arena)

    @pytest.fixture
    def failing_units(self) -> int:
        """How many units of work fail one after the other."""
        return FAILING_UNITS

    async def test_no_connection_is_lost_by_any_number_of_failing_units_of_work(
        self, arena: PostgresArena, failing_units: int
    ) -> None:
        persistence = await arena.open(pool_size=POOL_SIZE)
        account, committed = await new_account(persistence), uuid4()
        await deposit(persistence, account, Attempt(committed))
        outsider = await arena.outsider()
        ways = (_fail_by_a_refusal, _fail_by_an_unknown_id, _fail_by_a_repetition)
        for number in range(failing_units):
            async with arena.patience("a connection of the pool"):
                if number % KILLED_EVERY == 0:
                    await _fail_by_a_killed_session(arena, outsider, persistence, account)
                elif number % CANCELLED_EVERY == 0:
                    await _fail_by_a_cancellation(arena, outsider, persistence, account)
                else:
                    await ways[number % len(ways)](persistence, account, committed)
        assert await _use_whole_pool(persistence, account) == 0
        await _assert_pool_size(arena)
        lost_track_of = len(range(0, failing_units, CANCELLED_EVERY))
        possible = range(3, 4 if arena.write_stage is Stage.WORK else 4 + lost_track_of)
        assert len(await arena.messages_about(account.id)) in possible


async def _use_whole_pool(persistence: Persistence, account: Account) -> int:
    """Use every connection of the pool at the same moment, and return how many were dead."""
    in_use = asyncio.Barrier(POOL_SIZE)
    attempts = [Attempt(uuid4()) for _ in range(POOL_SIZE)]

    async def read(attempt: Attempt) -> None:
        try:
            async with persistence.unit_of_work(attempt) as unit:
                await unit.accounts.get(account.id)
                await in_use.wait()
        except PersistenceError:
            # Nobody shall wait for this one.
            await in_use.abort()
            raise

    errors = await race(*(read(attempt) for attempt in attempts))
    judgements = [
        (failure_kind(error), outcome_of(error, attempt.stage))
        for error, attempt in zip(errors, attempts, strict=True)
        if error is not None and not isinstance(error, asyncio.BrokenBarrierError)
    ]
    assert set(judgements) <= {(FailureKind.CONNECTION, Outcome.FAILED)}
    return len(judgements)


async def _assert_pool_size(arena: PostgresArena) -> None:
    async def is_small_enough() -> bool:
        return len(await arena.backends()) <= POOL_SIZE

    await arena.until("a pool that is no larger than it was asked to be", is_small_enough)


async def _fail_by_a_refusal(persistence: Persistence, account: Account, _: UUID) -> None:
    with pytest.raises(Refused):
        await deposit(persistence, account, Attempt(uuid4()), amount_cents=-1)


async def _fail_by_an_unknown_id(persistence: Persistence, _: Account, __: UUID) -> None:
    with pytest.raises(PersistenceError) as caught:
        async with persistence.unit_of_work(Attempt(uuid4())) as unit:
            await unit.accounts.get(uuid4())
    assert caught.value.kind is FailureKind.NOT_FOUND


async def _fail_by_a_repetition(
    persistence: Persistence, account: Account, committed: UUID
) -> None:
    with pytest.raises(PersistenceError) as caught:
        await deposit(persistence, account, Attempt(committed))
    assert caught.value.kind is FailureKind.DUPLICATE_OPERATION


async def _fail_by_a_killed_session(
    arena: PostgresArena, outsider: asyncpg.Connection, persistence: Persistence, account: Account
) -> None:
    async with outsider.transaction():
        await outsider.execute("SELECT FROM accounts FOR UPDATE")
        task = asyncio.create_task(deposit(persistence, account, Attempt(uuid4())))
        await arena.terminate(await arena.blocked_backend())
        with pytest.raises(PersistenceError) as caught:
            await task
    assert caught.value.kind is FailureKind.CONNECTION


async def _fail_by_a_cancellation(
    arena: PostgresArena, outsider: asyncpg.Connection, persistence: Persistence, account: Account
) -> None:
    async with outsider.transaction():
        await outsider.execute("SELECT FROM accounts FOR UPDATE")
        task = asyncio.create_task(deposit(persistence, account, Attempt(uuid4())))
        await arena.blocked_backend()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    # Where the statement carries the commit, the server may still run it to its end.
    await arena.settled()
