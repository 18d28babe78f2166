"""Who reads an outbox from the log, as a relay does."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from outboxbench.core.application.doorbell import Doorbell
from outboxbench.core.application.outbox import Settlement

if TYPE_CHECKING:
    from uuid import UUID

    from tests.core.replication.conftest import Log

    from outboxbench.core.application.outbox import Run
    from outboxbench.core.replication.outbox import LogOutbox

PATIENCE_S = 20.0
MANY = 100


class Reader:
    """One relay's outbox, claimed from whenever it rings."""

    def __init__(self, outbox: LogOutbox, doorbell: Doorbell) -> None:
        self.outbox = outbox
        self._doorbell = doorbell

    async def runs(self, messages: int = 1) -> list[Run]:
        """Claim until so many messages have come."""
        found: list[Run] = []
        async with asyncio.timeout(PATIENCE_S):
            while sum(len(run.messages) for run in found) < messages:
                self._doorbell.silence()
                claimed = await self.outbox.claim(MANY)
                found += claimed
                if not claimed:
                    await self._doorbell.wait(0.05)
        return found

    async def deliver(self, *runs: Run) -> None:
        settled = await self.outbox.settle([Settlement(run, len(run.messages)) for run in runs])
        assert list(settled.lost) == []

    async def drained(self, messages: int) -> list[tuple[UUID, int, int]]:
        """Deliver so many messages, and return them in the order in which they came."""
        seen: list[tuple[UUID, int, int]] = []
        while len(seen) < messages:
            for run in await self.runs():
                seen += [(run.aggregate_id, each.version, each.ordinal) for each in run.messages]
                await self.deliver(run)
        return seen


async def reader_of(log: Log) -> Reader:
    doorbell = Doorbell()
    return Reader(await log.open(doorbell), doorbell)


async def connected(log: Log) -> Reader:
    reader = await reader_of(log)
    assert await reader.outbox.claim(MANY) == []
    return reader


async def until_confirmed(log: Log) -> None:
    """Wait until the server knows that nothing so far is needed any more."""
    position = log.value("SELECT pg_current_wal_lsn()")
    async with asyncio.timeout(PATIENCE_S):
        while not log.value(
            "SELECT confirmed_flush_lsn >= '" + position + "' FROM pg_replication_slots"
            " WHERE slot_name = current_database()"
        ):
            # Something that is decoded makes the server say how far it is.
            log.connection.execute("SELECT pg_logical_emit_message(true, 'other', '')")
            await asyncio.sleep(0.01)
