"""What relays may rely on: who may deliver what, in which order, and what becomes of it."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING
from uuid import UUID, uuid4

import pytest

from outboxbench.core.application.doorbell import Doorbell
from outboxbench.core.application.inbox import InboxEntry
from outboxbench.core.application.outbox import Refusal, Settlement
from outboxbench.core.application.outcome import (
    Attempt,
    FailureKind,
    PersistenceError,
)
from outboxbench.core.domain.payments import OpenAccount
from outboxbench.testing.steps import PATIENCE_S, deposit, handle, new_account, new_order

if TYPE_CHECKING:
    from collections.abc import Sequence

    from outboxbench.core.application.outbox import OutboxMessage, RelayPlan, Run
    from outboxbench.core.application.ports import Outbox, Persistence
    from outboxbench.testing.arena import Arena

LEASE_S = 30.0
SHORT_LEASE_S = 0.2
MANY = 100


class RelayRules:
    """The rules of the outbox for those who deliver. A subclass brings `arena` and `plan`."""

    async def test_a_run_is_all_that_is_undelivered_of_an_aggregate_in_the_order_of_its_history(
        self, arena: Arena, plan: RelayPlan
    ) -> None:
        persistence = await _opened(arena, plan)
        order = await new_order(persistence)
        async with persistence.unit_of_work(Attempt(uuid4())) as unit:
            loaded = await unit.orders.get(order.id)
            loaded.amend_line(1, 9)
            loaded.amend_line(2, 8)
            await unit.orders.save(loaded)
            await unit.commit()
        (run,) = await persistence.outbox(plan, LEASE_S).claim(MANY)
        expected = await arena.messages_about(order.id)
        assert [(each.version, each.ordinal) for each in expected] == [
            (1, 0),
            (1, 1),
            (2, 0),
            (2, 1),
        ]
        assert [_named(each) for each in run.messages] == [
            (each.op_id, each.ordinal, each.topic, each.audience) for each in expected
        ]

    async def test_what_is_for_nobody_is_not_delivered(self, arena: Arena, plan: RelayPlan) -> None:
        persistence = await _opened(arena, plan)
        account = await new_account(persistence)
        (run,) = await persistence.outbox(plan, LEASE_S).claim(MANY)
        assert [each.topic for each in run.messages] == ["account.opened"]
        assert len(await arena.messages_about(account.id)) == 2

    async def test_no_two_relays_have_messages_of_one_aggregate_at_a_time(
        self, arena: Arena, plan: RelayPlan
    ) -> None:
        persistence = await _opened(arena, plan)
        aggregates = [await _new_account_id(persistence) for _ in range(8)]
        relays = [persistence.outbox(plan, LEASE_S) for _ in range(3)]
        claims = await asyncio.gather(*(relay.claim(4) for relay in relays))
        claimed = [run.aggregate_id for runs in claims for run in runs]
        assert len(claimed) == len(set(claimed)), "an aggregate was claimed twice"
        assert set(claimed) <= set(aggregates)
        assert claimed

    async def test_what_is_delivered_is_not_claimed_again_and_the_rest_is(
        self, arena: Arena, plan: RelayPlan
    ) -> None:
        persistence = await _opened(arena, plan)
        order = await new_order(persistence)
        outbox = persistence.outbox(plan, LEASE_S)
        (run,) = await outbox.claim(MANY)
        assert await outbox.claim(MANY) == []
        settled = await outbox.settle([Settlement(run, delivered=1)])
        assert (list(settled.lost), settled.has_more) == ([], True)
        (rest,) = await outbox.claim(MANY)
        assert [_named(each) for each in rest.messages] == [_named(run.messages[1])]
        assert rest.aggregate_id == order.id
        settled = await outbox.settle([Settlement(rest, delivered=1)])
        assert (list(settled.lost), settled.has_more) == ([], False)
        assert await outbox.claim(MANY) == []

    async def test_what_is_committed_while_its_aggregate_is_leased_is_delivered_afterwards(
        self, arena: Arena, plan: RelayPlan
    ) -> None:
        persistence = await _opened(arena, plan)
        order = await new_order(persistence)
        outbox = persistence.outbox(plan, LEASE_S)
        (run,) = await outbox.claim(MANY)
        async with persistence.unit_of_work(Attempt(uuid4())) as unit:
            loaded = await unit.orders.get(order.id)
            loaded.confirm()
            await unit.orders.save(loaded)
            await unit.commit()
        assert await outbox.claim(MANY) == []
        assert (await outbox.settle([Settlement(run, len(run.messages))])).has_more
        (rest,) = await outbox.claim(MANY)
        assert [each.topic for each in rest.messages] == ["order.confirmed"]

    async def test_a_lease_that_ran_out_is_taken_over_and_its_settlement_refused(
        self, arena: Arena, plan: RelayPlan
    ) -> None:
        persistence = await _opened(arena, plan)
        await _new_account_id(persistence)
        stale = persistence.outbox(plan, SHORT_LEASE_S)
        (run,) = await stale.claim(MANY)
        other = persistence.outbox(plan, LEASE_S)
        (taken,) = await _claimed(other)
        assert [_named(each) for each in taken.messages] == [_named(each) for each in run.messages]
        settled = await stale.settle([Settlement(run, delivered=1)])
        assert list(settled.lost) == [run], "a stale relay's settlement was accepted"
        assert (await other.status()).undelivered == 1
        assert list((await other.settle([Settlement(taken, delivered=1)])).lost) == []
        assert (await other.status()).undelivered == 0

    async def test_an_operation_is_found_after_its_message_was_delivered(
        self, arena: Arena, plan: RelayPlan
    ) -> None:
        persistence = await _opened(arena, plan)
        op_id = uuid4()
        await handle(persistence, OpenAccount(account_id=uuid4()), Attempt(op_id))
        outbox = persistence.outbox(plan, LEASE_S)
        (run,) = await outbox.claim(MANY)
        assert list((await outbox.settle([Settlement(run, delivered=1)])).lost) == []
        assert await persistence.was_committed(op_id)

    async def test_a_lease_that_is_renewed_is_not_taken_over(
        self, arena: Arena, plan: RelayPlan
    ) -> None:
        persistence = await _opened(arena, plan)
        await _new_account_id(persistence)
        outbox = persistence.outbox(plan, SHORT_LEASE_S)
        (run,) = await outbox.claim(MANY)
        other = persistence.outbox(plan, LEASE_S)
        for _ in range(8):
            await asyncio.sleep(SHORT_LEASE_S / 4)
            assert run.lease.token in await outbox.renew([run.lease.token])
            assert await other.claim(MANY) == []
        assert list((await outbox.settle([Settlement(run, delivered=1)])).lost) == []

    async def test_a_refused_message_holds_its_aggregate_up_and_no_other(
        self, arena: Arena, plan: RelayPlan
    ) -> None:
        persistence = await _opened(arena, plan)
        order = await new_order(persistence)
        outbox = persistence.outbox(plan, LEASE_S)
        (run,) = await outbox.claim(MANY)
        await outbox.settle([Settlement(run, 0, Refusal("not now", 1, retry_in_s=3600))])
        other_id = await _new_account_id(persistence)
        assert [each.aggregate_id for each in await outbox.claim(MANY)] == [other_id]
        status = await outbox.status()
        (refused,) = status.refused
        assert (status.undelivered, status.aggregates, status.held) == (3, 2, 2)
        assert (refused.aggregate_id, refused.version, refused.ordinal) == (order.id, 1, 0)
        assert (refused.topic, refused.refusals, refused.reason) == ("order.placed", 1, "not now")
        assert refused.next_attempt_at is not None

    async def test_a_refused_message_comes_again_and_tells_how_often_it_was_refused(
        self, arena: Arena, plan: RelayPlan
    ) -> None:
        persistence = await _opened(arena, plan)
        await new_order(persistence)
        outbox = persistence.outbox(plan, LEASE_S)
        for refusals in range(3):
            (run,) = await _claimed(outbox)
            assert (run.refusals, len(run.messages)) == (refusals, 2)
            again = Refusal("not yet", refusals + 1, retry_in_s=0.01)
            await outbox.settle([Settlement(run, 0, again)])
        (run,) = await _claimed(outbox)
        await outbox.settle([Settlement(run, delivered=2)])
        status = await outbox.status()
        assert (status.undelivered, list(status.refused)) == (0, [])

    async def test_a_dead_message_stays_until_it_is_redriven(
        self, arena: Arena, plan: RelayPlan
    ) -> None:
        persistence = await _opened(arena, plan)
        order = await new_order(persistence)
        outbox = persistence.outbox(plan, LEASE_S)
        (run,) = await outbox.claim(MANY)
        await outbox.settle([Settlement(run, 1, Refusal("never", 8, retry_in_s=None))])
        assert await outbox.claim(MANY) == []
        (refused,) = (await outbox.status()).refused
        assert (refused.topic, refused.next_attempt_at) == ("order.stock_requested", None)
        assert await outbox.redrive(uuid4()) == 0
        assert await outbox.redrive(order.id) == 1
        (again,) = await outbox.claim(MANY)
        assert (again.refusals, [each.topic for each in again.messages]) == (0, [refused.topic])

    async def test_a_repeated_operation_is_refused_after_its_messages_are_delivered(
        self, arena: Arena, plan: RelayPlan
    ) -> None:
        persistence = await _opened(arena, plan)
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
        persistence = await _opened(arena, plan)
        delivered = await new_order(persistence)
        outbox = persistence.outbox(plan, LEASE_S)
        (run,) = await outbox.claim(MANY)
        await outbox.settle([Settlement(run, len(run.messages))])
        waiting = await _new_account_id(persistence)
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
        persistence = await _opened(arena, plan)
        account, entry = await new_account(persistence), InboxEntry("deposit", uuid4(), 1)
        outbox = persistence.outbox(plan, LEASE_S)
        assert not await outbox.was_handled(entry)
        await deposit(persistence, account, Attempt(uuid4(), entry))
        assert await outbox.was_handled(entry)
        assert not await outbox.was_handled(InboxEntry("other", entry.op_id, 1))

    async def test_a_commit_rings_for_whoever_listens(self, arena: Arena, plan: RelayPlan) -> None:
        persistence = await _opened(arena, plan)
        rings: asyncio.Queue[None] = asyncio.Queue()
        listening = asyncio.create_task(persistence.listen(lambda: rings.put_nowait(None)))
        try:
            async with asyncio.timeout(PATIENCE_S):
                # The first says that it listens from now on: look at what is there.
                await rings.get()
                assert rings.empty()
                await _new_account_id(persistence)
                await rings.get()
        finally:
            listening.cancel()
            with suppress(asyncio.CancelledError):
                await listening

    async def test_what_is_announced_outside_of_commits_rings_for_whoever_listens(
        self, arena: Arena, plan: RelayPlan
    ) -> None:
        persistence = await _opened(arena, plan)
        rings: asyncio.Queue[None] = asyncio.Queue()
        bell = Doorbell()
        tasks = [
            asyncio.create_task(persistence.listen(lambda: rings.put_nowait(None))),
            asyncio.create_task(persistence.announce(bell)),
        ]
        try:
            async with asyncio.timeout(PATIENCE_S):
                await rings.get()
                for _ in range(2):
                    bell.ring()
                    await rings.get()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


async def _opened(arena: Arena, plan: RelayPlan) -> Persistence:
    await arena.prepare_relay(plan)
    return await arena.open()


async def _new_account_id(persistence: Persistence) -> UUID:
    account_id = uuid4()
    await handle(persistence, OpenAccount(account_id=account_id))
    return account_id


async def _claimed(outbox: Outbox) -> Sequence[Run]:
    """Claim as soon as there is something."""
    async with asyncio.timeout(PATIENCE_S):
        while not (runs := await outbox.claim(MANY)):
            await asyncio.sleep(0.01)
            await outbox.renew([])
    return runs


def _named(message: OutboxMessage) -> tuple[UUID, int, str, int]:
    return (message.op_id, message.ordinal, message.topic, message.audience)
