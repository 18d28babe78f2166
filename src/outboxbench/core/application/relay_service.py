"""A relay with what keeps it awake and its tables small: a process of its own, or part of one."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from outboxbench.core.application.doorbell import Doorbell
from outboxbench.core.application.outcome import PersistenceError
from outboxbench.core.application.relay import Relay
from outboxbench.core.application.relay_settings import OUTAGE, RelaySettings

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from outboxbench.core.application.ports import Outbox, Receiver

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
    """Delivers what an outbox holds.

    Args:
        outbox: where the messages are.
        receiver: where they go.
        settings: batches, leases and patience.
        listen: has commits ring for whoever waits, as a strategy does; see `Persistence.listen`.
        doorbell: rung by something else that knows of commits. Without either, the relay looks by
            itself, soon at first.
        housekeeping: what is removed when; None leaves everything.
        observe: told of outages, lost connections and dead messages.
    """

    def __init__(
        self,
        outbox: Outbox,
        receiver: Receiver,
        settings: RelaySettings,
        *,
        listen: Callable[[Callable[[], None]], Awaitable[None]] | None = None,
        doorbell: Doorbell | None = None,
        housekeeping: Housekeeping | None = None,
        observe: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._outbox = outbox
        self._listen = listen
        self._housekeeping = housekeeping
        self._observe = observe
        near_s = NEAR_POLL_S if listen is None and doorbell is None else FAR_POLL_S
        paced = replace(settings, first_poll_s=near_s, poll_s=max(near_s, settings.poll_s))
        self._doorbell = doorbell or Doorbell()
        self.relay = Relay(outbox, receiver, paced, self._doorbell, observe)

    def stop(self) -> None:
        """Claim nothing more; `run` returns once what is on its way is settled."""
        self.relay.stop()

    async def run(self) -> None:
        """Deliver until `stop` is called, and leave the outbox to other relays."""
        async with asyncio.TaskGroup() as tasks:
            helpers = []
            if self._listen is not None:
                helpers.append(tasks.create_task(self._keep_listening(self._listen)))
            if self._housekeeping is not None:
                helpers.append(tasks.create_task(self._keep_house(self._housekeeping)))
            try:
                await self.relay.run()
            finally:
                for helper in helpers:
                    helper.cancel()
        await self._outbox.close()

    async def _keep_listening(
        self, listen: Callable[[Callable[[], None]], Awaitable[None]]
    ) -> None:
        failures = 0

        def ring() -> None:
            nonlocal failures
            failures = 0
            self._doorbell.ring()

        while True:
            try:
                await listen(ring)
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
