"""Commits that ring for relays once they are durable, and not while they commit.

A NOTIFY within a transaction takes a lock that all databases of a server share, and keeps it until
the commit is synced: commits that notify wait for each other, and none shares a sync. Announced
afterwards, over a connection of its own, one notification stands for all commits since the last,
and is never synced itself. Whoever dies between the two leaves the message to the relay's own look.
"""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING

from outboxbench.core.application.doorbell import Doorbell
from outboxbench.core.application.forwarding import ForwardingUnitOfWork
from outboxbench.core.application.outcome import PersistenceError
from outboxbench.core.application.relay_settings import OUTAGE

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from outboxbench.core.application.outcome import Attempt
    from outboxbench.core.application.ports import Persistence, UnitOfWork, UnitsOfWork


class RingingUnitsOfWork:
    """Units of work that ring when they have committed."""

    def __init__(self, units: UnitsOfWork, ring: Callable[[], None]) -> None:
        self._units = units
        self._ring = ring

    def unit_of_work(self, attempt: Attempt) -> UnitOfWork:
        """Return a unit of work that rings when it has committed."""
        return _RingingUnitOfWork(self._units.unit_of_work(attempt), self._ring)


class _RingingUnitOfWork(ForwardingUnitOfWork):
    def __init__(self, unit: UnitOfWork, ring: Callable[[], None]) -> None:
        super().__init__(unit)
        self._ring = ring

    async def commit(self) -> None:
        await super().commit()
        self._ring()


@asynccontextmanager
async def announced(
    persistence: Persistence, observe: Callable[[str], None] = lambda _: None
) -> AsyncIterator[UnitsOfWork]:
    """Yield units of work whose commits are announced to relays that listen.

    Args:
        persistence: what commits, and announces.
        observe: told of lost connections; a new one announces what was missed.
    """
    bell = Doorbell()
    announcing = asyncio.create_task(_keep_announcing(persistence, bell, observe))
    try:
        yield RingingUnitsOfWork(persistence, bell.ring)
    finally:
        announcing.cancel()
        with suppress(asyncio.CancelledError):
            await announcing


async def _keep_announcing(
    persistence: Persistence, bell: Doorbell, observe: Callable[[str], None]
) -> None:
    failures = 0
    clock = asyncio.get_running_loop().time
    while True:
        began_s = clock()
        try:
            await persistence.announce(bell)
        except PersistenceError as error:
            # What held for so long was no part of the outage before.
            failures = 1 if clock() - began_s > OUTAGE.longest_s else failures + 1
            observe(f"commits are not announced for a while: {error}")
            await asyncio.sleep(OUTAGE.delay_s(failures))
            # The ring that met the failure has woken nobody.
            bell.ring()
