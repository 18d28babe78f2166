"""The plan `log`: the outbox as the write-ahead log tells it, in the order of commits.

Nothing is claimed in the database and nothing marked there: who reads the slot has all of it, and
what is settled is a position of the log. A slot has one reader at a time; another relay is refused
until the first is gone, and then begins where the first had confirmed.

No more than a few thousand messages wait here; the server keeps the rest in its log. How much of
it the server keeps for a relay that is down is bounded by its `max_slot_wal_keep_size` alone: past
that the slot is lost, and has to be dropped. The next one begins with all that the table still has.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from time import monotonic
from typing import TYPE_CHECKING, Final, TypeAlias

from outboxbench.core.application.outbox import Lease, Settled
from outboxbench.core.application.outcome import FailureKind, PersistenceError
from outboxbench.core.replication import statements as sql
from outboxbench.core.replication.backlog import Backlog
from outboxbench.core.replication.parking import Parking
from outboxbench.core.replication.reading import Reading
from outboxbench.core.strategies.relay_plans import statements as common_sql

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence
    from uuid import UUID

    from outboxbench.core.application.inbox import InboxEntry
    from outboxbench.core.application.outbox import OutboxStatus, Run, Settlement
    from outboxbench.core.replication.backlog import AggregateKey
    from outboxbench.core.replication.stream import ReplicationStream, StreamListener
    from outboxbench.core.strategies.relay_plans.executor import SqlExecutor

StartStream: TypeAlias = "Callable[[StreamListener], Awaitable[ReplicationStream]]"

LOOK_AGAIN_S: Final = 0.1
"""Between looks at what is parked: another process may let it be tried again."""


class LogOutbox:
    """Delivers what the log brings.

    Args:
        executor: runs statements, for what is parked.
        start_stream: begins to read the slot.
        ring: called whenever something to deliver has arrived, or the stream was lost.
        release: gives back what the executor stands on.
        observe: told of what cannot be read.
    """

    def __init__(
        self,
        executor: SqlExecutor,
        start_stream: StartStream,
        ring: Callable[[], None],
        release: Callable[[], Awaitable[None]],
        observe: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._executor = executor
        self._start_stream = start_stream
        self._ring = ring
        self._release = release
        self._observe = observe
        self._parking = Parking(executor)
        self._reading: Reading | None = None
        # Held by who writes to the table of what is parked, and by who reads it from the start.
        self._table = asyncio.Lock()
        self._look_again_s = 0.0

    async def claim(self, limit: int) -> Sequence[Run]:
        """Take what has arrived, and what is parked and due; connect where need be.

        Raises:
            PersistenceError: the log cannot be read, perhaps because another relay reads it.
        """
        reading = await self._connected()
        backlog = reading.backlog
        await self._park_arrivals(reading)
        lease = Lease(reading.token)
        runs: list[Run] = []
        free = backlog.parked_and_free()
        if free and monotonic() >= self._look_again_s:
            self._look_again_s = monotonic() + LOOK_AGAIN_S
            runs += await self._parking.claim_due(free, limit, lease)
            for run in runs:
                backlog.claim_parked(_key(run))
        return runs + backlog.claim(limit - sum(len(run.messages) for run in runs), lease)

    async def settle(self, settlements: Sequence[Settlement]) -> Settled:
        """Note what was delivered, and park what was refused with all that follows it."""
        reading = self._live
        lost = [each.run for each in settlements if reading is None or not reading.owns(each.run)]
        if reading is None:
            return Settled(lost, has_more=False)
        ours = [each for each in settlements if reading.owns(each.run)]
        of_log: list[Settlement] = []
        of_table: list[Settlement] = []
        for each in ours:
            (of_table if _concerns_table(each, reading.backlog) else of_log).append(each)
        if of_table and not await self._settle_in_table(reading, of_table):
            return Settled([each.run for each in settlements], has_more=False)
        for each in of_log:
            reading.backlog.settle(_key(each.run), each.delivered)
        reading.confirm()
        is_due = not self._look_again_s and bool(reading.backlog.parked_and_free())
        return Settled(lost, has_more=reading.backlog.has_ready or is_due)

    async def renew(self, tokens: Sequence[int]) -> Sequence[int]:
        """Tell the server that we are there; return our token while nobody has taken over."""
        reading = self._live
        if reading is None:
            return []
        reading.stream.report()
        if reading.token not in tokens:
            return []
        if await reading.writer.is_ours():
            return [reading.token]
        reading.stream.end("another relay has taken over")
        return []

    async def was_handled(self, entry: InboxEntry) -> bool:
        """Tell whether a handler has committed its effect of a message."""
        found = await self._executor.fetch(
            common_sql.WAS_HANDLED, entry.handler, entry.op_id, entry.ordinal
        )
        return any(True for _ in found)

    async def status(self) -> OutboxStatus:
        """Return how what is parked stands, and what waits here, if anything is read here."""
        parked = await self._parking.status()
        if self._live is None:
            return parked
        backlog = self._live.backlog
        return replace(
            parked,
            undelivered=parked.undelivered + backlog.messages,
            oldest_s=max(parked.oldest_s, backlog.oldest_s),
            aggregates=parked.aggregates + backlog.aggregates,
        )

    async def redrive(self, aggregate_id: UUID | None = None) -> int:
        """Let what was refused be tried again at once; return how many messages that are."""
        redriven = await self._executor.fetch(common_sql.REDRIVE, aggregate_id)
        self._look_again_s = 0.0
        self._ring()
        return sum(1 for _ in redriven)

    async def tidy(self, keep_s: float, limit: int) -> int:
        """Remove messages and inbox entries of `keep_s` ago, at most `limit` of each kind.

        Nothing while the log cannot be read: if the slot is lost, the table is all there is.
        """
        if self._live is None:
            return 0
        removed = 0
        for statement in (sql.TIDY_LOGGED, common_sql.TIDY_INBOX):
            removed += sum(1 for _ in await self._executor.fetch(statement, keep_s, limit))
        return removed

    async def close(self) -> None:
        """Leave the slot to others, and give back the connections."""
        self._disconnect()
        await self._release()

    @property
    def _live(self) -> Reading | None:
        reading = self._reading
        return None if reading is None or reading.stream.lost else reading

    async def _connected(self) -> Reading:
        if self._live is not None:
            return self._live
        # What is being parked is written before another is the reader, or refused.
        async with self._table:
            self._disconnect()
            reading = Reading(self._ring, self._observe)
            reading.stream = await self._start_stream(reading)
            try:
                reading.writer = await self._parking.take_over()
                reading.backlog = Backlog(await self._parking.aggregates())
            except BaseException:
                reading.stream.close()
                raise
            self._look_again_s = 0.0
            self._reading = reading
            reading.stream.resume()
        return reading

    def _disconnect(self) -> None:
        if self._reading is not None:
            self._reading.stream.close()
            self._reading = None

    async def _park_arrivals(self, reading: Reading) -> None:
        if not reading.backlog.arrivals():
            return
        async with self._table:
            arrivals = reading.backlog.arrivals()
            messages = [message for queue in arrivals.values() for message in queue]
            if await reading.writer.settle([], messages) is None:
                raise _replaced(reading)
            for key, queue in arrivals.items():
                reading.backlog.park(key, len(queue))
        reading.confirm()

    async def _settle_in_table(self, reading: Reading, settlements: Sequence[Settlement]) -> bool:
        """Return False where another relay has taken over."""
        backlog = reading.backlog
        async with self._table:
            # All that is here of an aggregate, but not what was delivered of it just now.
            following = {
                _key(each.run): backlog.queued(_key(each.run))[each.delivered :]
                for each in settlements
                if not backlog.is_parked(_key(each.run))
            }
            rest = await reading.writer.settle(
                settlements, [message for queue in following.values() for message in queue]
            )
            if rest is None:
                _replaced(reading)
                return False
            for settlement in settlements:
                key, is_refused = _key(settlement.run), settlement.refusal is not None
                if key in following:
                    backlog.park(key, settlement.delivered + len(following[key]))
                backlog.release_parked(key, is_empty=not rest[key] and not is_refused)
                if rest[key] and not is_refused:
                    self._look_again_s = 0.0
        return True


def _replaced(reading: Reading) -> PersistenceError:
    reading.stream.end("another relay has taken over")
    return PersistenceError("another relay has taken over the log", FailureKind.CONNECTION)


def _concerns_table(settlement: Settlement, backlog: Backlog) -> bool:
    return settlement.refusal is not None or backlog.is_parked(_key(settlement.run))


def _key(run: Run) -> AggregateKey:
    return (run.aggregate_type, run.aggregate_id)
