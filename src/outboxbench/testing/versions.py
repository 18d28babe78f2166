"""A version conflict is an error, raised to exactly one of two, and never a lost update."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING
from uuid import UUID, uuid4

import pytest

from outboxbench.core.application.outcome import (
    Attempt,
    FailureKind,
    Outcome,
    VersionConflict,
    failure_kind,
    outcome_of,
)
from outboxbench.core.domain.ordering import AmendOrderLine
from outboxbench.core.domain.payments import Account
from outboxbench.testing.steps import (
    assert_state,
    assert_stored,
    deposit,
    handle,
    new_account,
    new_order,
    race,
    save,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from outboxbench.core.application.ports import Persistence
    from outboxbench.testing.arena import Arena


class Versions:
    """Races and stale reads, at the isolation level read committed."""

    async def test_of_two_that_change_one_account_exactly_one_conflicts(self, arena: Arena) -> None:
        persistence = await arena.open()
        account = await new_account(persistence)
        both_read = asyncio.Barrier(2)
        attempts = {amount_cents: Attempt(uuid4()) for amount_cents in (10, 200)}
        errors = await race(
            *(
                _deposit_after(both_read, persistence, account.id, amount_cents, attempt)
                for amount_cents, attempt in attempts.items()
            ),
        )
        winner = _sole_winner(list(attempts), errors, list(attempts.values()))
        account.deposit(winner)
        await assert_stored(arena, persistence, account, attempts.pop(winner).op_id)
        for loser in attempts.values():
            assert await arena.messages(loser.op_id) == []

    async def test_of_two_that_change_different_lines_exactly_one_conflicts(
        self, arena: Arena
    ) -> None:
        persistence = await arena.open()
        order = await new_order(persistence)
        both_read = asyncio.Barrier(2)
        attempts = {line_no: Attempt(uuid4()) for line_no in (1, 2)}
        errors = await race(
            *(
                _amend_after(both_read, persistence, order.id, line_no, attempt)
                for line_no, attempt in attempts.items()
            ),
        )
        winner = _sole_winner(list(attempts), errors, list(attempts.values()))
        order.amend_line(winner, 50)
        await assert_stored(arena, persistence, order, attempts.pop(winner).op_id)
        for loser in attempts.values():
            assert await arena.messages(loser.op_id) == []

    async def test_a_change_of_nothing_but_a_line_raises_the_version_of_the_order(
        self, arena: Arena
    ) -> None:
        persistence = await arena.open()
        order = await new_order(persistence)
        await handle(persistence, AmendOrderLine(order_id=order.id, line_no=1, quantity=8))
        stored = await arena.order(order.id)
        assert stored is not None
        assert stored.version == order.next_version, "the version of the root did not rise"

    async def test_a_stale_account_is_never_committed(self, arena: Arena) -> None:
        persistence = await arena.open()
        expected = await new_account(persistence)
        async with persistence.unit_of_work(Attempt(uuid4())) as unit:
            stale = await unit.accounts.get(expected.id)
        await deposit(persistence, expected, Attempt(uuid4()), 30)
        expected.deposit(30)
        expected.take_events()
        expected.version += 1
        attempt = Attempt(uuid4())
        stale.deposit(1)
        with pytest.raises(VersionConflict):
            await save(persistence, stale, attempt)
        assert await arena.messages(attempt.op_id) == []
        await assert_state(arena, persistence, expected)

    async def test_a_stale_order_is_never_committed(self, arena: Arena) -> None:
        persistence = await arena.open()
        expected = await new_order(persistence)
        attempt = Attempt(uuid4())

        async def amend_after_a_change() -> None:
            async with persistence.unit_of_work(attempt) as unit:
                stale = await unit.orders.get(expected.id)
                amend = AmendOrderLine(order_id=expected.id, line_no=2, quantity=40)
                await handle(persistence, amend)
                stale.amend_line(1, 8)
                await unit.orders.save(stale)
                await unit.commit()

        with pytest.raises(VersionConflict):
            await amend_after_a_change()
        expected.amend_line(2, 40)
        expected.take_events()
        expected.version += 1
        assert await arena.messages(attempt.op_id) == []
        await assert_state(arena, persistence, expected)

    async def test_a_change_of_an_account_that_is_not_stored_conflicts_and_stores_no_message(
        self, arena: Arena
    ) -> None:
        persistence = await arena.open()
        account, attempt = Account(uuid4(), balance_cents=100, version=1), Attempt(uuid4())
        account.deposit(1)
        with pytest.raises(VersionConflict):
            await save(persistence, account, attempt)
        assert await arena.messages(attempt.op_id) == []
        assert await arena.account(account.id) is None


async def _deposit_after(
    both_read: asyncio.Barrier,
    persistence: Persistence,
    account_id: UUID,
    amount_cents: int,
    attempt: Attempt,
) -> None:
    unit = persistence.unit_of_work(attempt)
    async with unit:
        account = await unit.accounts.get(account_id)
        await both_read.wait()
        account.deposit(amount_cents)
        await unit.accounts.save(account)
        await unit.commit()


async def _amend_after(
    both_read: asyncio.Barrier,
    persistence: Persistence,
    order_id: UUID,
    line_no: int,
    attempt: Attempt,
) -> None:
    unit = persistence.unit_of_work(attempt)
    async with unit:
        order = await unit.orders.get(order_id)
        await both_read.wait()
        order.amend_line(line_no, 50)
        await unit.orders.save(order)
        await unit.commit()


def _sole_winner(
    racers: Sequence[int], errors: Sequence[BaseException | None], attempts: Sequence[Attempt]
) -> int:
    """Return who won, having checked that the other one was told of the conflict."""
    winners = [racer for racer, error in zip(racers, errors, strict=True) if error is None]
    assert len(winners) == 1, f"of two racers {len(winners)} committed: {errors}"
    for error, attempt in zip(errors, attempts, strict=True):
        if error is not None:
            assert failure_kind(error) is FailureKind.VERSION_CONFLICT
            assert outcome_of(error, attempt.stage) is Outcome.FAILED
    return winners[0]
