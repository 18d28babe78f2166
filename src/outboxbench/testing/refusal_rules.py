"""What becomes of a message that a receiver refuses, and of what follows it."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import uuid4

from outboxbench.core.application.outbox import Refusal, Settlement
from outboxbench.testing.relay_steps import LEASE_S, MANY, claim_at_last, new_account_id, opened
from outboxbench.testing.steps import new_order

if TYPE_CHECKING:
    from outboxbench.core.application.outbox import RelayPlan
    from outboxbench.testing.arena import Arena


class RefusalRules:
    """The rules of the outbox for what is refused. A subclass brings `arena` and `plan`."""

    async def test_a_refused_message_holds_its_aggregate_up_and_no_other(
        self, arena: Arena, plan: RelayPlan
    ) -> None:
        persistence = await opened(arena, plan)
        order = await new_order(persistence)
        outbox = persistence.outbox(plan, LEASE_S)
        (run,) = await outbox.claim(MANY)
        await outbox.settle([Settlement(run, 0, Refusal("not now", 1, retry_in_s=3600))])
        other_id = await new_account_id(persistence)
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
        persistence = await opened(arena, plan)
        await new_order(persistence)
        outbox = persistence.outbox(plan, LEASE_S)
        for refusals in range(3):
            (run,) = await claim_at_last(outbox)
            assert (run.refusals, len(run.messages)) == (refusals, 2)
            again = Refusal("not yet", refusals + 1, retry_in_s=0.01)
            await outbox.settle([Settlement(run, 0, again)])
        (run,) = await claim_at_last(outbox)
        await outbox.settle([Settlement(run, delivered=2)])
        status = await outbox.status()
        assert (status.undelivered, list(status.refused)) == (0, [])

    async def test_a_dead_message_stays_until_it_is_redriven(
        self, arena: Arena, plan: RelayPlan
    ) -> None:
        persistence = await opened(arena, plan)
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
