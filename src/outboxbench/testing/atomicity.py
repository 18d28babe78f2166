"""State and messages are committed together or not at all, whatever happens on the way."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest

from outboxbench.core.application.outcome import (
    Attempt,
    CommitRefused,
    FailureKind,
    Outcome,
    PersistenceError,
    Stage,
    outcome_of,
)
from outboxbench.testing.gate import closed_gate
from outboxbench.testing.steps import assert_atomic, assert_state, deposit, judged, new_account

if TYPE_CHECKING:
    from outboxbench.testing.postgres_arena import PostgresArena

REFUSE_AT_COMMIT_SQL = """
    CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN RAISE check_violation USING MESSAGE = 'refused at commit'; END $$;
    CREATE CONSTRAINT TRIGGER refuse AFTER INSERT OR UPDATE ON {table}
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION refuse()
"""
SHORT_TIMEOUT_S = 0.5


class Atomicity:
    """Commits that fail, are refused, or are interrupted."""

    async def test_a_commit_that_fails_over_the_state_leaves_no_messages(
        self, arena: PostgresArena
    ) -> None:
        await _fail_to_commit(arena, refused_table="accounts")

    async def test_a_commit_that_fails_over_the_messages_leaves_no_state(
        self, arena: PostgresArena
    ) -> None:
        await _fail_to_commit(arena, refused_table="outbox")

    async def test_an_error_that_the_caller_swallowed_makes_commit_refuse(
        self, arena: PostgresArena
    ) -> None:
        persistence = await arena.open()
        impatient = await arena.open(statement_timeout_s=SHORT_TIMEOUT_S)
        expected, attempt = await new_account(persistence), Attempt(uuid4())
        outsider = await arena.outsider()
        unit = impatient.unit_of_work(attempt)
        async with unit:
            account = await unit.accounts.get(expected.id)
            account.deposit(1)
            await unit.accounts.save(account)
            async with outsider.transaction():
                await outsider.execute("LOCK TABLE orders")
                with pytest.raises(PersistenceError) as swallowed:
                    await unit.orders.get(uuid4())
            assert swallowed.value.kind is FailureKind.TIMEOUT
            with pytest.raises(CommitRefused) as caught:
                await unit.commit()
        assert outcome_of(caught.value, attempt.stage) is Outcome.FAILED
        assert await arena.messages(attempt.op_id) == []
        await assert_state(arena, persistence, expected)

    async def test_a_second_commit_after_an_indeterminate_one_proves_nothing(
        self, arena: PostgresArena
    ) -> None:
        persistence = await arena.open()
        expected, attempt = await new_account(persistence), Attempt(uuid4())
        unit = persistence.unit_of_work(attempt)
        async with closed_gate(arena, "commit") as gate, unit:
            account = await unit.accounts.get(expected.id)
            account.deposit(1)
            await unit.accounts.save(account)
            commit = asyncio.create_task(unit.commit())
            await arena.terminate(await gate.reached())
            with pytest.raises(PersistenceError):
                await commit
            with pytest.raises(CommitRefused) as caught:
                await unit.commit()
        assert outcome_of(caught.value, attempt.stage) is Outcome.INDETERMINATE
        await assert_atomic(arena, expected, attempt.op_id)

    async def test_a_cancellation_while_writing_stores_nothing_unless_the_write_may_commit(
        self, arena: PostgresArena
    ) -> None:
        persistence = await arena.open(pool_size=1)
        account, attempt = await new_account(persistence), Attempt(uuid4())
        async with closed_gate(arena, "accounts") as gate:
            task = asyncio.create_task(deposit(persistence, account, attempt))
            await gate.reached()
            task.cancel()
            judgement = await judged(attempt, task)
        may_commit = arena.write_stage is Stage.COMMIT_SENT
        outcome = Outcome.INDETERMINATE if may_commit else Outcome.FAILED
        assert judgement[1:] == (outcome, arena.write_stage)
        await arena.settled()
        await assert_atomic(arena, account, attempt.op_id)
        if not may_commit:
            assert await arena.messages(attempt.op_id) == []

    async def test_a_cancellation_while_committing_is_indeterminate_and_atomic(
        self, arena: PostgresArena
    ) -> None:
        persistence = await arena.open(pool_size=1)
        account, attempt = await new_account(persistence), Attempt(uuid4())
        async with closed_gate(arena, "commit") as gate:
            task = asyncio.create_task(deposit(persistence, account, attempt))
            pid = await gate.reached()
            task.cancel()
            _, outcome, stage = await judged(attempt, task)
        assert (outcome, stage) == (Outcome.INDETERMINATE, Stage.COMMIT_SENT)
        # What its connection would say next is unknown, so it is closed and another one opened.
        await arena.gone(pid)
        await assert_atomic(arena, account, attempt.op_id)
        await deposit(persistence, await new_account(persistence), Attempt(uuid4()))


async def _fail_to_commit(arena: PostgresArena, refused_table: str) -> None:
    """Have a commit fail at its very end, after state and messages were written."""
    persistence = await arena.open()
    account, attempt = await new_account(persistence), Attempt(uuid4())
    await arena.execute(REFUSE_AT_COMMIT_SQL.format(table=refused_table))
    judgement = await judged(attempt, deposit(persistence, account, attempt))
    assert await arena.messages(attempt.op_id) == [], "messages were stored without their state"
    await assert_state(arena, persistence, account)
    assert judgement == (FailureKind.CONSTRAINT, Outcome.FAILED, Stage.COMMIT_SENT)
