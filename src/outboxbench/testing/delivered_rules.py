"""What is known of a message and its operation once it is delivered, and for how long."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import uuid4

import pytest

from outboxbench.core.application.inbox import InboxEntry
from outboxbench.core.application.outbox import Settlement
from outboxbench.core.application.outcome import Attempt, FailureKind, PersistenceError
from outboxbench.core.domain.payments import OpenAccount
from outboxbench.testing.relay_steps import LEASE_S, MANY, new_account_id, opened
from outboxbench.testing.steps import deposit, handle, new_account, new_order

if TYPE_CHECKING:
    from outboxbench.core.application.outbox import RelayPlan
    from outboxbench.testing.arena import Arena


class DeliveredRules:
    """The rules of the outbox for what is delivered. A subclass brings `arena` and `plan`."""

    async def test_an_operation_is_found_after_its_message_was_delivered(
        self, arena: Arena, plan: RelayPlan
    ) -> None:
        persistence = await opened(arena, plan)
        op_id = uuid4()
        await handle(persistence, OpenAccount(account_id=uuid4()), Attempt(op_id))
        outbox = persistence.outbox(plan, LEASE_S)
        (run,) = await outbox.claim(MANY)
        assert list((await outbox.settle([Settlement(run, delivered=1)])).lost) == []
        assert await persistence.was_committed(op_id)

    async def test_a_repeated_operation_is_refused_after_its_messages_are_delivered(
        self, arena: Arena, plan: RelayPlan
    ) -> None:
        persistence = await opened(arena, plan)
        account, op_id = await new_account(persistence), uuid4()
        await deposit(persistence, account, Attempt(op_id))
        outbox = persistence.outbox(plan, LEASE_S)
        (run,) = await outbox.claim(MANY)
        await outbox.settle([Settlement(run, len(run.messages))])
        for repeated in (op_id, run.messages[0].op_id):
            with pytest.raises(PersistenceError) as caught:
                await deposit(persistence, account, Attempt(repeated))
            assert caught.value.kind is FailureKind.DUPLICATE_OPERATION

    async def test_only_what_was_settled_long_enough_ago_is_tidied_away(
        self, arena: Arena, plan: RelayPlan
    ) -> None:
        persistence = await opened(arena, plan)
        delivered = await new_order(persistence)
        outbox = persistence.outbox(plan, LEASE_S)
        (run,) = await outbox.claim(MANY)
        await outbox.settle([Settlement(run, len(run.messages))])
        waiting = await new_account_id(persistence)
        await outbox.tidy(3600, MANY)
        if plan != "delete":
            assert len(await arena.messages_about(delivered.id)) == 2
        while await outbox.tidy(0, 1):
            pass
        assert await arena.messages_about(delivered.id) == []
        assert len(await arena.messages_about(waiting)) == 1

    async def test_an_outbox_knows_what_a_handler_has_handled(
        self, arena: Arena, plan: RelayPlan
    ) -> None:
        persistence = await opened(arena, plan)
        account, entry = await new_account(persistence), InboxEntry("deposit", uuid4(), 1)
        outbox = persistence.outbox(plan, LEASE_S)
        assert not await outbox.was_handled(entry)
        await deposit(persistence, account, Attempt(uuid4(), entry))
        assert await outbox.was_handled(entry)
        assert not await outbox.was_handled(InboxEntry("other", entry.op_id, 1))
