"""What a unit of work stores beside the state, what it refuses, and when it stores nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import uuid4

import pytest

from outboxbench.core.application.outcome import (
    AggregateNotFound,
    Attempt,
    CommitRefused,
    FailureKind,
    Outcome,
    PersistenceError,
    Stage,
    outcome_of,
)
from outboxbench.core.domain.aggregate import Refused
from outboxbench.core.domain.payments import OpenAccount
from outboxbench.testing.steps import (
    assert_state,
    assert_stored,
    deposit,
    handle,
    new_account,
    new_order,
)

if TYPE_CHECKING:
    from outboxbench.testing.arena import Arena


class OutboxRules:
    """The rules of the outbox that show without a second session."""

    async def test_everything_raised_across_several_saves_is_stored_in_order(
        self, arena: Arena
    ) -> None:
        persistence = await arena.open()
        expected, attempt = await new_account(persistence), Attempt(uuid4())
        unit = persistence.unit_of_work(attempt)
        async with unit:
            account = await unit.accounts.get(expected.id)
            for amount_cents in (1, 20, 300):
                account.deposit(amount_cents)
                expected.deposit(amount_cents)
                await unit.accounts.save(account)
            await unit.commit()
        messages = await arena.messages(attempt.op_id)
        assert [message.ordinal for message in messages] == [0, 1, 2], (
            "not everything that was raised is stored"
        )
        assert {message.version for message in messages} == {expected.next_version}
        await assert_stored(arena, persistence, expected, attempt.op_id)

    async def test_messages_have_the_version_that_the_row_got(self, arena: Arena) -> None:
        persistence = await arena.open()
        account = await new_account(persistence)
        for _ in range(3):
            op_id = uuid4()
            await deposit(persistence, account, Attempt(op_id))
            stored = await arena.account(account.id)
            assert stored is not None
            assert [message.version for message in await arena.messages(op_id)] == [
                stored.version
            ], "a message has another version than the row"
        history = [message.version for message in await arena.messages_about(account.id)]
        assert history == [1, 2, 3, 4, 5]

    async def test_a_repeated_operation_is_refused_and_nothing_of_it_applied(
        self, arena: Arena
    ) -> None:
        persistence = await arena.open()
        account, op_id = await new_account(persistence), uuid4()
        await deposit(persistence, account, Attempt(op_id), 300)
        with pytest.raises(PersistenceError) as caught:
            await deposit(persistence, account, attempt := Attempt(op_id), 300)
        assert caught.value.kind is FailureKind.DUPLICATE_OPERATION
        assert outcome_of(caught.value, attempt.stage) is Outcome.FAILED
        account.deposit(300)
        await assert_stored(arena, persistence, account, op_id)

    async def test_an_operation_is_found_once_it_is_committed(self, arena: Arena) -> None:
        persistence = await arena.open()
        account, op_id = await new_account(persistence), uuid4()
        assert not await persistence.was_committed(op_id)
        unit = persistence.unit_of_work(Attempt(op_id))
        async with unit:
            loaded = await unit.accounts.get(account.id)
            loaded.deposit(1)
            await unit.accounts.save(loaded)
        assert not await persistence.was_committed(op_id), "it was left without a commit"
        await deposit(persistence, account, Attempt(op_id))
        assert await persistence.was_committed(op_id)

    async def test_an_operation_repeated_on_another_aggregate_is_refused(
        self, arena: Arena
    ) -> None:
        persistence = await arena.open()
        first, other = await new_account(persistence), await new_account(persistence)
        op_id = uuid4()
        await deposit(persistence, first, Attempt(op_id))
        with pytest.raises(PersistenceError) as caught:
            await deposit(persistence, other, Attempt(op_id))
        assert caught.value.kind is FailureKind.DUPLICATE_OPERATION
        await assert_state(arena, persistence, other)

    async def test_a_change_that_raised_nothing_is_refused(self, arena: Arena) -> None:
        persistence = await arena.open()
        expected, attempt = await new_account(persistence), Attempt(uuid4())
        unit = persistence.unit_of_work(attempt)
        async with unit:
            account = await unit.accounts.get(expected.id)
            account.balance_cents += 1
            await unit.accounts.save(account)
            with pytest.raises(ValueError, match="raised nothing"):
                await unit.commit()
        assert attempt.stage is Stage.WORK
        await assert_state(arena, persistence, expected)

    async def test_a_second_aggregate_in_one_unit_of_work_is_refused(self, arena: Arena) -> None:
        persistence = await arena.open()
        expected_account = await new_account(persistence)
        expected_order = await new_order(persistence)
        unit = persistence.unit_of_work(attempt := Attempt(uuid4()))
        async with unit:
            account = await unit.accounts.get(expected_account.id)
            order = await unit.orders.get(expected_order.id)
            account.deposit(1)
            await unit.accounts.save(account)
            order.confirm()
            with pytest.raises(ValueError, match="one aggregate"):
                await unit.orders.save(order)
        assert await arena.messages(attempt.op_id) == []
        await assert_state(arena, persistence, expected_account)
        await assert_state(arena, persistence, expected_order)

    async def test_leaving_without_a_commit_stores_nothing(self, arena: Arena) -> None:
        persistence = await arena.open()
        expected, attempt = await new_account(persistence), Attempt(uuid4())
        unit = persistence.unit_of_work(attempt)
        async with unit:
            account = await unit.accounts.get(expected.id)
            account.deposit(1)
            await unit.accounts.save(account)
        assert await arena.messages(attempt.op_id) == []
        await assert_state(arena, persistence, expected)

    async def test_an_error_of_the_handler_stores_nothing_and_is_raised_as_it_is(
        self, arena: Arena
    ) -> None:
        persistence = await arena.open()
        expected, attempt = await new_account(persistence), Attempt(uuid4())
        error = Refused("the handler changes its mind")

        async def change_its_mind() -> None:
            async with persistence.unit_of_work(attempt) as unit:
                account = await unit.accounts.get(expected.id)
                account.deposit(1)
                await unit.accounts.save(account)
                raise error

        with pytest.raises(Refused) as caught:
            await change_its_mind()
        assert caught.value is error
        assert outcome_of(error, attempt.stage) is Outcome.FAILED
        assert await arena.messages(attempt.op_id) == []
        await assert_state(arena, persistence, expected)

    async def test_an_aggregate_that_does_not_exist_is_not_found(self, arena: Arena) -> None:
        persistence = await arena.open()
        attempt = Attempt(uuid4())
        unit = persistence.unit_of_work(attempt)
        async with unit:
            with pytest.raises(AggregateNotFound) as account_error:
                await unit.accounts.get(uuid4())
            with pytest.raises(AggregateNotFound):
                await unit.orders.get(uuid4())
        assert account_error.value.kind is FailureKind.NOT_FOUND
        assert outcome_of(account_error.value, attempt.stage) is Outcome.FAILED

    async def test_a_new_aggregate_whose_id_is_taken_is_refused(self, arena: Arena) -> None:
        persistence = await arena.open()
        expected, attempt = await new_account(persistence), Attempt(uuid4())
        with pytest.raises(PersistenceError) as caught:
            await handle(persistence, OpenAccount(account_id=expected.id), attempt)
        assert caught.value.kind is FailureKind.CONSTRAINT
        assert outcome_of(caught.value, attempt.stage) is Outcome.FAILED
        assert await arena.messages(attempt.op_id) == []
        await assert_state(arena, persistence, expected)

    async def test_a_unit_of_work_commits_once(self, arena: Arena) -> None:
        persistence = await arena.open()
        expected, attempt = await new_account(persistence), Attempt(uuid4())
        unit = persistence.unit_of_work(attempt)
        async with unit:
            account = await unit.accounts.get(expected.id)
            account.deposit(1)
            await unit.accounts.save(account)
            await unit.commit()
            with pytest.raises(CommitRefused) as caught:
                await unit.commit()
        # It was committed, so nobody may take the refusal for proof that it was not.
        assert outcome_of(caught.value, attempt.stage) is not Outcome.FAILED
        expected.deposit(1)
        await assert_stored(arena, persistence, expected, attempt.op_id)
