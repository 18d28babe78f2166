"""Takes committed messages out of the outbox and delivers them: claim, deliver, settle.

Each of the three has a loop of its own, so that the database and the receivers work at the same
time. No transaction is open while a message is on its way. Of one aggregate a single message is
unconfirmed at any time, and the messages of different aggregates travel side by side.

At least once: a relay that dies after a delivery and before it is settled leaves the message to be
delivered again.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from time import monotonic
from typing import TYPE_CHECKING

from outboxbench.core.application.batch_size import BatchSize
from outboxbench.core.application.delivery import HeldUp, MessageRefused, Unavailable
from outboxbench.core.application.doorbell import Doorbell
from outboxbench.core.application.outbox import Settlement
from outboxbench.core.application.outcome import PersistenceError
from outboxbench.core.application.refusals import Refusals
from outboxbench.core.application.relay_settings import RelayTally

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from outboxbench.core.application.outbox import Lease, Run
    from outboxbench.core.application.ports import Outbox, Receiver
    from outboxbench.core.application.relay_settings import RelaySettings


class Relay:
    """Delivers until it is stopped.

    Args:
        outbox: where the messages are.
        receiver: where they go.
        settings: batches, leases and patience.
        doorbell: rung by whoever knows that there is something to deliver.
        observe: told of every outage and every message that died, for a log.
    """

    def __init__(
        self,
        outbox: Outbox,
        receiver: Receiver,
        settings: RelaySettings,
        doorbell: Doorbell | None = None,
        observe: Callable[[str], None] = lambda _: None,
    ) -> None:
        self.tally = RelayTally()
        self._outbox = outbox
        self._receiver = receiver
        self._settings = settings
        self._doorbell = doorbell or Doorbell()
        self._observe = observe
        self._refusals = Refusals(settings, self.tally, observe)
        self._batch = BatchSize(
            settings.smallest_batch, settings.largest_batch, settings.lease_s / 4
        )
        self._claims: dict[Lease, _Claim] = {}
        self._in_flight = 0
        self._settlements: list[Settlement] = []
        self._settled_at_once: int | None = None
        self._wake_settler = asyncio.Event()
        self._has_room = asyncio.Event()
        self._outages_in_a_row = 0
        self._idle_s = settings.first_poll_s
        self._stopping = asyncio.Event()

    def stop(self) -> None:
        """Claim nothing more; `run` returns once what is on its way is settled."""
        self._stopping.set()
        self._doorbell.ring()
        self._has_room.set()

    async def wait_until_stopping(self) -> None:
        """Return once `stop` has been called."""
        await self._stopping.wait()

    async def run(self) -> None:
        """Deliver until `stop` is called. An outage of the database or a receiver is waited out."""
        await self._work(self._claim_until_stopped)

    async def drain(self) -> None:
        """Deliver until there is nothing left that could be claimed, and return."""
        await self._work(self._claim_until_empty)

    async def _work(self, claim: Callable[[asyncio.TaskGroup], Awaitable[None]]) -> None:
        async with asyncio.TaskGroup() as keepers:
            settler = keepers.create_task(self._settle_for_ever())
            renewer = keepers.create_task(self._renew_for_ever())
            try:
                async with asyncio.TaskGroup() as deliveries:
                    await claim(deliveries)
                await self._settle_the_rest()
            finally:
                settler.cancel()
                renewer.cancel()

    async def _claim_until_stopped(self, deliveries: asyncio.TaskGroup) -> None:
        while not self._stopping.is_set():
            self._doorbell.silence()
            if await self._claim_once(deliveries):
                self._idle_s = self._settings.first_poll_s
            elif not self._stopping.is_set():
                await self._doorbell.wait(self._idle_s)
                self._idle_s = min(self._settings.poll_s, self._idle_s * 2)

    async def _claim_until_empty(self, deliveries: asyncio.TaskGroup) -> None:
        while True:
            # What was under way when it looked may have been settled, and left more, before it saw.
            some_were_held = bool(self._claims)
            if await self._claim_once(deliveries):
                continue
            if not some_were_held:
                return
            if self._claims:
                await self._next_settlement()

    async def _claim_once(self, deliveries: asyncio.TaskGroup) -> bool:
        """Claim a batch and begin to deliver it; return whether there was anything."""
        if self._outages_in_a_row:
            await self._pause()
        await self._room_for_a_batch()
        began_s = monotonic()
        try:
            runs = await self._outbox.claim(self._batch.messages)
        except PersistenceError as error:
            self._batch.note_failure()
            self._note_outage(error)
            return False
        if not runs:
            return False
        claim = _Claim(runs, began_s)
        claim.lease.valid_until_s = began_s + self._settings.lease_s
        self._claims[claim.lease] = claim
        self._in_flight += claim.messages
        for run in runs:
            deliveries.create_task(self._deliver(run))
        return True

    async def _room_for_a_batch(self) -> None:
        while self._in_flight + self._batch.messages > self._settings.max_in_flight:
            if not self._in_flight or self._stopping.is_set():
                return
            await self._next_settlement()

    async def _next_settlement(self) -> None:
        self._has_room.clear()
        await self._has_room.wait()

    async def _deliver(self, run: Run) -> None:
        delivered = 0
        refusal = None
        lease, deliver = run.lease, self._receiver.deliver
        try:
            for message in run.messages:
                # Past its lease another relay may deliver what follows, so this one must not.
                if monotonic() > lease.valid_until_s:
                    break
                await deliver(message)
                delivered += 1
        except Unavailable as error:
            claim = self._claims[lease]
            if not claim.met_outage:
                claim.met_outage = True
                self._note_outage(error)
        except HeldUp as error:
            refusal = self._refusals.held_up(run, delivered, str(error))
        except MessageRefused as error:
            refusal = self._refusals.refused(run, delivered, str(error))
        except Exception as error:
            reason = f"unexpected {type(error).__name__}: {error}"
            refusal = self._refusals.refused(run, delivered, reason)
        self._settlements.append(Settlement(run, delivered, refusal))
        self._wake_settler.set()

    async def _settle_for_ever(self) -> None:
        while True:
            await self._wake_settler.wait()
            self._wake_settler.clear()
            await self._settle()

    async def _settle_the_rest(self) -> None:
        while self._claims:
            self._wake_settler.set()
            await self._next_settlement()

    async def _settle(self) -> None:
        settlements = self._settlements[: self._settled_at_once]
        del self._settlements[: self._settled_at_once]
        if not settlements:
            return
        try:
            settled = await self._outbox.settle(settlements)
        except PersistenceError as error:
            # What is delivered stays to be settled: else all of it would be delivered again.
            self._settlements[:0] = settlements
            # A server that is hard pressed ends what takes too long, and would end it every time.
            self._settled_at_once = max(1, len(settlements) // 2)
            self._batch.note_failure()
            self._note_outage(error)
            await self._pause()
            self._wake_settler.set()
            return
        self._settled_at_once = None
        if self._settlements:
            self._wake_settler.set()
        self.tally.late += len(settled.lost)
        for settlement in settlements:
            self.tally.delivered += settlement.delivered
            self._in_flight -= len(settlement.run.messages)
            self._close_run(settlement.run.lease)
        self._has_room.set()
        if settled.has_more:
            self._doorbell.ring()

    def _close_run(self, lease: Lease) -> None:
        claim = self._claims[lease]
        claim.open_runs -= 1
        if not claim.open_runs:
            del self._claims[lease]
            self._batch.note(claim.messages, monotonic() - claim.began_s)
            if not claim.met_outage:
                self._outages_in_a_row = 0

    async def _renew_for_ever(self) -> None:
        while True:
            await asyncio.sleep(self._settings.lease_s / 3)
            began_s = monotonic()
            try:
                tokens = await self._outbox.renew([lease.token for lease in self._claims])
            except PersistenceError as error:
                self._note_outage(error)
                continue
            for lease in self._claims:
                if lease.token in tokens:
                    lease.valid_until_s = began_s + self._settings.lease_s

    def _note_outage(self, error: Exception) -> None:
        self._outages_in_a_row += 1
        self.tally.outages += 1
        self._observe(f"waiting, for the {self._outages_in_a_row}. time in a row: {error}")

    async def _pause(self) -> None:
        delay_s = self._settings.outage.delay_s(max(1, self._outages_in_a_row))
        with suppress(TimeoutError):
            async with asyncio.timeout(delay_s):
                await self._stopping.wait()


class _Claim:
    """What was claimed together, until the last run of it is settled."""

    __slots__ = ("began_s", "lease", "messages", "met_outage", "open_runs")

    def __init__(self, runs: Sequence[Run], began_s: float) -> None:
        self.lease = runs[0].lease
        self.messages = sum(len(run.messages) for run in runs)
        self.open_runs = len(runs)
        self.began_s = began_s
        self.met_outage = False
