"""How a relay hears that there is something to deliver."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING

from outboxbench.core.application.doorbell import Doorbell
from outboxbench.testing.relay_steps import new_account_id, opened
from outboxbench.testing.steps import PATIENCE_S

if TYPE_CHECKING:
    from outboxbench.core.application.outbox import RelayPlan
    from outboxbench.testing.arena import Arena


class RingRules:
    """The rules for who listens. A subclass brings `arena` and `plan`."""

    async def test_a_commit_rings_for_whoever_listens(self, arena: Arena, plan: RelayPlan) -> None:
        persistence = await opened(arena, plan)
        rings: asyncio.Queue[None] = asyncio.Queue()
        listening = asyncio.create_task(persistence.listen(lambda: rings.put_nowait(None)))
        try:
            async with asyncio.timeout(PATIENCE_S):
                # The first says that it listens from now on: look at what is there.
                await rings.get()
                assert rings.empty()
                await new_account_id(persistence)
                await rings.get()
        finally:
            listening.cancel()
            with suppress(asyncio.CancelledError):
                await listening

    async def test_what_is_announced_outside_of_commits_rings_for_whoever_listens(
        self, arena: Arena, plan: RelayPlan
    ) -> None:
        persistence = await opened(arena, plan)
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
