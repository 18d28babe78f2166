"""What relays may rely on: who may deliver what, and in which order."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING
from uuid import uuid4

from outboxbench.core.application.outbox import Settlement
from outboxbench.core.application.outcome import Attempt
from outboxbench.testing.relay_steps import (
    LEASE_S,
    MANY,
    RENEWED_LEASE_S,
    SHORT_LEASE_S,
    claim_at_last,
    named,
    new_account_id,
    opened,
)
from outboxbench.testing.steps import new_account, new_order

if TYPE_CHECKING:
    from outboxbench.core.application.outbox import RelayPlan
    from outboxbench.testing.arena import Arena


class RelayRules:
    """The rules of the outbox for those who deliver. A subclass brings `arena` and `plan`."""

    async def test_a_run_is_all_that_is_undelivered_of_an_aggregate_in_the_order_of_its_history(
        self, arena: Arena, plan: RelayPlan
    ) -> None:
        persistence = await opened(arena, plan)
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
        assert [named(each) for each in run.messages] == [
            (each.op_id, each.ordinal, each.topic, each.audience) for each in expected
        ]

    async def test_what_is_for_nobody_is_not_delivered(self, arena: Arena, plan: RelayPlan) -> None:
        persistence = await opened(arena, plan)
        account = await new_account(persistence)
        (run,) = await persistence.outbox(plan, LEASE_S).claim(MANY)
        assert [each.topic for each in run.messages] == ["account.opened"]
        assert len(await arena.messages_about(account.id)) == 2

    async def test_no_two_relays_have_messages_of_one_aggregate_at_a_time(
        self, arena: Arena, plan: RelayPlan
    ) -> None:
        persistence = await opened(arena, plan)
        aggregates = [await new_account_id(persistence) for _ in range(8)]
        relays = [persistence.outbox(plan, LEASE_S) for _ in range(3)]
        claims = await asyncio.gather(*(relay.claim(4) for relay in relays))
        claimed = [run.aggregate_id for runs in claims for run in runs]
        assert len(claimed) == len(set(claimed)), "an aggregate was claimed twice"
        assert set(claimed) <= set(aggregates)
        assert claimed

    async def test_what_is_delivered_is_not_claimed_again_and_the_rest_is(
        self, arena: Arena, plan: RelayPlan
    ) -> None:
        persistence = await opened(arena, plan)
        order = await new_order(persistence)
        outbox = persistence.outbox(plan, LEASE_S)
        (run,) = await outbox.claim(MANY)
        assert await outbox.claim(MANY) == []
        settled = await outbox.settle([Settlement(run, delivered=1)])
        assert (list(settled.lost), settled.has_more) == ([], True)
        (rest,) = await outbox.claim(MANY)
        assert [named(each) for each in rest.messages] == [named(run.messages[1])]
        assert rest.aggregate_id == order.id
        settled = await outbox.settle([Settlement(rest, delivered=1)])
        assert (list(settled.lost), settled.has_more) == ([], False)
        assert await outbox.claim(MANY) == []

    async def test_what_is_committed_while_its_aggregate_is_leased_is_delivered_afterwards(
        self, arena: Arena, plan: RelayPlan
    ) -> None:
        persistence = await opened(arena, plan)
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
        persistence = await opened(arena, plan)
        await new_account_id(persistence)
        stale = persistence.outbox(plan, SHORT_LEASE_S)
        (run,) = await stale.claim(MANY)
        other = persistence.outbox(plan, LEASE_S)
        (taken,) = await claim_at_last(other)
        assert [named(each) for each in taken.messages] == [named(each) for each in run.messages]
        settled = await stale.settle([Settlement(run, delivered=1)])
        assert list(settled.lost) == [run], "a stale relay's settlement was accepted"
        assert (await other.status()).undelivered == 1
        assert list((await other.settle([Settlement(taken, delivered=1)])).lost) == []
        assert (await other.status()).undelivered == 0

    async def test_a_lease_that_is_renewed_is_not_taken_over(
        self, arena: Arena, plan: RelayPlan
    ) -> None:
        persistence = await opened(arena, plan)
        await new_account_id(persistence)
        # Long enough that a full machine renews it in time, and renewed for longer than it lasts.
        outbox = persistence.outbox(plan, RENEWED_LEASE_S)
        (run,) = await outbox.claim(MANY)
        other = persistence.outbox(plan, LEASE_S)
        for _ in range(6):
            await asyncio.sleep(RENEWED_LEASE_S / 4)
            assert run.lease.token in await outbox.renew([run.lease.token])
            assert await other.claim(MANY) == []
        assert list((await outbox.settle([Settlement(run, delivered=1)])).lost) == []
