"""The inbox entry of a handled message is committed with the change, or neither is."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING
from uuid import uuid4

from outboxbench.core.application.inbox import InboxEntry
from outboxbench.core.application.outcome import Attempt, FailureKind, Outcome
from outboxbench.core.domain.payments import Account
from outboxbench.testing.steps import (
    assert_state,
    assert_stored,
    deposit,
    judged,
    new_account,
    new_order,
    save,
)

if TYPE_CHECKING:
    from outboxbench.testing.arena import Arena


class InboxRules:
    """What a handler may rely on when a message comes again."""

    async def test_an_inbox_entry_is_stored_with_the_change_that_handles_its_message(
        self, arena: Arena
    ) -> None:
        persistence = await arena.open()
        account, order = await new_account(persistence), await new_order(persistence)
        for_account, for_order = _attempt("deposit"), _attempt("amend")
        await deposit(persistence, account, for_account)
        account.deposit(1)
        async with persistence.unit_of_work(for_order) as unit:
            loaded = await unit.orders.get(order.id)
            for each in (loaded, order):
                each.amend_line(1, 9)
            await unit.orders.save(loaded)
            await unit.commit()
        await assert_stored(arena, persistence, account, for_account.op_id)
        await assert_stored(arena, persistence, order, for_order.op_id)
        assert await arena.inbox() == {for_account.inbox, for_order.inbox}

    async def test_changes_that_handle_messages_at_the_same_time_each_have_their_entry(
        self, arena: Arena
    ) -> None:
        persistence = await arena.open()
        accounts = [await new_account(persistence) for _ in range(6)]
        attempts = [_attempt(f"handler {number}") for number in range(5)]
        await asyncio.gather(
            deposit(persistence, accounts[5], Attempt(uuid4())),
            *(
                deposit(persistence, account, attempt)
                for account, attempt in zip(accounts, attempts, strict=False)
            ),
        )
        assert await arena.inbox() == {attempt.inbox for attempt in attempts}

    async def test_a_message_that_was_handled_has_no_second_effect(self, arena: Arena) -> None:
        persistence = await arena.open()
        account, first = await new_account(persistence), _attempt("deposit")
        await deposit(persistence, account, first)
        account.deposit(1)
        account.take_events()
        account.version += 1
        # Under another op_id, so that it is the entry alone that refuses it.
        again = Attempt(uuid4(), first.inbox)
        kind, outcome, _ = await judged(again, deposit(persistence, account, again))
        assert (kind, outcome) == (FailureKind.DUPLICATE_OPERATION, Outcome.FAILED)
        assert await arena.messages(again.op_id) == []
        await assert_state(arena, persistence, account)

    async def test_the_same_message_may_be_handled_by_several_handlers(self, arena: Arena) -> None:
        persistence = await arena.open()
        account, message = await new_account(persistence), uuid4()
        entries = {InboxEntry(handler, message, 1) for handler in ("one", "another")}
        for entry in entries:
            await deposit(persistence, account, Attempt(uuid4(), entry))
        assert await arena.inbox() == entries

    async def test_a_change_that_conflicts_leaves_no_inbox_entry(self, arena: Arena) -> None:
        persistence = await arena.open()
        account, attempt = await new_account(persistence), _attempt("deposit")
        await deposit(persistence, account, Attempt(uuid4()))
        stale = Account(account.id, account.balance_cents, account.version)
        stale.deposit(1)
        kind, outcome, _ = await judged(attempt, save(persistence, stale, attempt))
        assert (kind, outcome) == (FailureKind.VERSION_CONFLICT, Outcome.FAILED)
        assert await arena.inbox() == set()


def _attempt(handler: str) -> Attempt:
    return Attempt(uuid4(), InboxEntry(handler, uuid4(), 1))
