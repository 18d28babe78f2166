"""The ways to fail, each provoked for real, and judged by what the server said and how far it got.

The gates and locks make sure of the stage that is reached, so that nothing depends on timing.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING
from uuid import uuid4

from outboxbench.core.application.outcome import Attempt, FailureKind, Outcome, Stage
from outboxbench.core.domain.ordering import AmendOrderLine
from outboxbench.testing.gate import closed_gate
from outboxbench.testing.link import Link
from outboxbench.testing.steps import (
    assert_atomic,
    assert_state,
    deposit,
    handle,
    judged,
    new_account,
    new_order,
)

if TYPE_CHECKING:
    from outboxbench.testing.postgres_arena import PostgresArena

SHORT_TIMEOUT_S = 0.5


class Failures:
    """One test for each way; afterwards the strategy works as before."""

    async def test_a_deadlock_is_told_as_such(self, arena: PostgresArena) -> None:
        # Whoever waits longer than its own deadlock_timeout is the victim: never the outsider.
        await arena.set_for_new_sessions("deadlock_timeout", "10ms")
        persistence = await arena.open()
        outsider = await arena.outsider()
        await outsider.execute("SET deadlock_timeout = '1h'")
        order, attempt = await new_order(persistence), Attempt(uuid4())
        command = AmendOrderLine(order_id=order.id, line_no=1, quantity=5)
        transaction = outsider.transaction()
        async with closed_gate(arena, "order_lines") as gate:
            await transaction.start()
            await outsider.execute(
                "SELECT FROM order_lines WHERE order_id = $1 FOR UPDATE", order.id
            )
            unit = asyncio.create_task(handle(persistence, command, attempt))
            await gate.reached()
            root = asyncio.create_task(
                outsider.execute("SELECT FROM orders WHERE id = $1 FOR UPDATE", order.id)
            )
            await arena.blocked_outsider(outsider)
        judgement = await judged(attempt, unit)
        await root
        await transaction.rollback()
        assert judgement == (FailureKind.DEADLOCK, Outcome.FAILED, arena.write_stage)
        await assert_state(arena, persistence, order)

    async def test_a_serialisation_failure_is_told_as_such(self, arena: PostgresArena) -> None:
        persistence = await arena.open(isolation="repeatable read")
        account, attempt = await new_account(persistence), Attempt(uuid4())
        outsider = await arena.outsider()
        transaction = outsider.transaction()
        await transaction.start()
        # Changes nothing that the unit of work checks, but the row that its snapshot sees.
        await outsider.execute("UPDATE accounts SET balance_cents = balance_cents")
        task = asyncio.create_task(deposit(persistence, account, attempt))
        await arena.blocked_backend()
        await transaction.commit()
        judgement = await judged(attempt, task)
        assert judgement == (FailureKind.SERIALISATION, Outcome.FAILED, arena.write_stage)
        await assert_state(arena, persistence, account)

    async def test_a_violated_constraint_is_told_as_such(self, arena: PostgresArena) -> None:
        persistence = await arena.open()
        account, attempt = await new_account(persistence), Attempt(uuid4())
        await arena.execute("ALTER TABLE accounts ADD CHECK (balance_cents <= 1000)")
        judgement = await judged(attempt, deposit(persistence, account, attempt))
        assert judgement == (FailureKind.CONSTRAINT, Outcome.FAILED, arena.write_stage)
        await assert_state(arena, persistence, account)

    async def test_a_timeout_is_told_as_such(self, arena: PostgresArena) -> None:
        persistence = await arena.open()
        impatient = await arena.open(statement_timeout_s=SHORT_TIMEOUT_S)
        account, attempt = await new_account(persistence), Attempt(uuid4())
        outsider = await arena.outsider()
        async with outsider.transaction():
            await outsider.execute("SELECT FROM accounts FOR UPDATE")
            judgement = await judged(attempt, deposit(impatient, account, attempt))
        assert judgement == (FailureKind.TIMEOUT, Outcome.FAILED, arena.write_stage)
        await assert_state(arena, persistence, account)

    async def test_a_backend_killed_while_working_is_a_failure(self, arena: PostgresArena) -> None:
        persistence = await arena.open(pool_size=1)
        account, attempt = await new_account(persistence), Attempt(uuid4())
        outsider = await arena.outsider()
        async with outsider.transaction():
            await outsider.execute("LOCK TABLE accounts")
            task = asyncio.create_task(deposit(persistence, account, attempt))
            await arena.terminate(await arena.blocked_backend())
            judgement = await judged(attempt, task)
        assert judgement == (FailureKind.CONNECTION, Outcome.FAILED, Stage.WORK)
        await assert_state(arena, persistence, account)

    async def test_a_backend_killed_while_committing_is_indeterminate(
        self, arena: PostgresArena
    ) -> None:
        persistence = await arena.open(pool_size=1)
        account, attempt = await new_account(persistence), Attempt(uuid4())
        async with closed_gate(arena, "commit") as gate:
            task = asyncio.create_task(deposit(persistence, account, attempt))
            await arena.terminate(await gate.reached())
            judgement = await judged(attempt, task)
        assert judgement == (FailureKind.CONNECTION, Outcome.INDETERMINATE, Stage.COMMIT_SENT)
        await assert_atomic(arena, account, attempt.op_id)
        await new_account(persistence)

    async def test_a_failure_is_judged_by_itself_while_an_earlier_one_is_handled(
        self, arena: PostgresArena
    ) -> None:
        link = await arena.enter(Link(arena.address))
        persistence = await arena.open(pool_size=1, address=link.address)
        account, attempt, earlier = await new_account(persistence), Attempt(uuid4()), uuid4()
        await deposit(persistence, account, Attempt(earlier), 30)
        account.deposit(30)
        account.take_events()
        account.version += 1

        async def deposit_while_handling_an_error() -> None:
            try:
                await deposit(persistence, account, Attempt(earlier))
            except Exception:
                await deposit(persistence, account, attempt)

        async with closed_gate(arena, "commit") as gate:
            task = asyncio.create_task(deposit_while_handling_an_error())
            await gate.reached()
            link.cut()
            judgement = await judged(attempt, task)
        assert judgement == (FailureKind.CONNECTION, Outcome.INDETERMINATE, Stage.COMMIT_SENT)
        await arena.settled()
        await assert_atomic(arena, account, attempt.op_id)

    async def test_a_network_lost_while_working_is_a_failure(self, arena: PostgresArena) -> None:
        link = await arena.enter(Link(arena.address))
        persistence = await arena.open(pool_size=1, address=link.address)
        account, attempt = await new_account(persistence), Attempt(uuid4())
        outsider = await arena.outsider()
        async with outsider.transaction():
            await outsider.execute("LOCK TABLE accounts")
            task = asyncio.create_task(deposit(persistence, account, attempt))
            await arena.blocked_backend()
            link.cut()
            judgement = await judged(attempt, task)
        assert judgement == (FailureKind.CONNECTION, Outcome.FAILED, Stage.WORK)
        await arena.settled()
        await assert_state(arena, persistence, account)

    async def test_a_network_lost_while_committing_is_indeterminate(
        self, arena: PostgresArena
    ) -> None:
        link = await arena.enter(Link(arena.address))
        persistence = await arena.open(pool_size=1, address=link.address)
        account, attempt = await new_account(persistence), Attempt(uuid4())
        async with closed_gate(arena, "commit") as gate:
            task = asyncio.create_task(deposit(persistence, account, attempt))
            await gate.reached()
            link.cut()
            judgement = await judged(attempt, task)
        assert judgement == (FailureKind.CONNECTION, Outcome.INDETERMINATE, Stage.COMMIT_SENT)
        await arena.settled()
        await assert_atomic(arena, account, attempt.op_id)
        await new_account(persistence)
