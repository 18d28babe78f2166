"""A relay with what keeps it awake and its tables small: a process of its own, or part of one."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from outboxbench.core.application.doorbell import Doorbell
from outboxbench.core.application.outcome import PersistenceError
from outboxbench.core.application.relay import OUTAGE, Relay, RelaySettings

if TYPE_CHECKING:
    from collections.abc import Callable

    from outboxbench.core.application.outbox import RelayPlan
    from outboxbench.core.application.ports import Outbox, Persistence, Receiver

FAR_POLL_S = 0.25
"""Between looks where commits ring: what a ring was lost for waits so long."""

NEAR_POLL_S = 0.002
"""After which it looks again at first where nothing rings."""


KEEP_S = 7 * 24 * 3600.0
"""Longer than any client goes on repeating an operation."""


@dataclass(frozen=True, slots=True)
class Housekeeping:
    """What was settled `keep_s` ago is removed, `batch` records at a time, every `interval_s`.

    It has to be kept as long as a client may still repeat its operation: its `op_id` goes with it.
    """

    keep_s: float = KEEP_S
    interval_s: float = 10.0
    batch: int = 1_000


class RelayService:
    """Delivers from an opened strategy.

    Args:
        persistence: an opened strategy, in whose pool two connections are the relay's own.
        receiver_for: returns what takes the messages of an outbox.
        plan: how relays share the outbox; the database must have been prepared for it.
        settings: batches, leases and patience.
        announced: whether commits ring; else the relay looks by itself, soon at first.
        housekeeping: what is removed when; None leaves everything.
        observe: told of outages, lost connections and dead messages.
    """

    def __init__(
        self,
        persistence: Persistence,
        receiver_for: Callable[[Outbox], Receiver],
        plan: RelayPlan,
        settings: RelaySettings,
        *,
        announced: bool = True,
        housekeeping: Housekeeping | None = None,
        observe: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._persistence = persistence
        self._outbox = persistence.outbox(plan, settings.lease_s)
        self._doorbell = Doorbell() if announced else None
        self._housekeeping = housekeeping
        self._observe = observe
        near_s = FAR_POLL_S if announced else NEAR_POLL_S
        paced = replace(settings, first_poll_s=near_s, poll_s=max(near_s, settings.poll_s))
        self.relay = Relay(self._outbox, receiver_for(self._outbox), paced, self._doorbell, observe)

    def stop(self) -> None:
        """Claim nothing more; `run` returns once what is on its way is settled."""
        self.relay.stop()

    async def run(self) -> None:
        """Deliver until `stop` is called, and leave the outbox to other relays."""
        async with asyncio.TaskGroup() as tasks:
            helpers = []
            if self._doorbell is not None:
                helpers.append(tasks.create_task(self._listen(self._doorbell)))
            if self._housekeeping is not None:
                helpers.append(tasks.create_task(self._keep_house(self._housekeeping)))
            try:
                await self.relay.run()
            finally:
                for helper in helpers:
                    helper.cancel()
        await self._outbox.close()

    async def _listen(self, doorbell: Doorbell) -> None:
        failures = 0
        while True:
            try:
                await self._persistence.listen(doorbell.ring)
            except PersistenceError as error:
                failures += 1
                self._observe(f"commits do not ring for a while: {error}")
                await asyncio.sleep(OUTAGE.delay_s(failures))

    async def _keep_house(self, housekeeping: Housekeeping) -> None:
        while True:
            await asyncio.sleep(housekeeping.interval_s)
            try:
                await _tidy(self._outbox, housekeeping)
            except PersistenceError as error:
                self._observe(f"nothing is tidied away for a while: {error}")


async def _tidy(outbox: Outbox, housekeeping: Housekeeping) -> None:
    # Small transactions, between which others come first.
    while await outbox.tidy(housekeeping.keep_s, housekeeping.batch) >= housekeeping.batch:
        pass
