"""Opens the outbox of any relay plan, and with it whatever wakes its relay."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from outboxbench.core.application.announcing import RingingUnitsOfWork
from outboxbench.core.application.doorbell import Doorbell
from outboxbench.core.replication.opening import open_log_outbox

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from outboxbench.core.application.outbox import AnyRelayPlan
    from outboxbench.core.application.ports import Outbox, Persistence, UnitsOfWork
    from outboxbench.core.strategies.settings import StrategySettings
    from outboxbench.harness.relaying.job import WakeUp


@dataclass(frozen=True, slots=True)
class OpenOutbox:
    """An outbox and what rings for it: its own log, or commits that are announced.

    A relay is given both, and works in `units`, whose commits ring for itself where they announce
    nothing within them.
    """

    outbox: Outbox
    units: UnitsOfWork
    doorbell: Doorbell | None = None
    listen: Callable[[Callable[[], None]], Awaitable[None]] | None = None


@asynccontextmanager
async def open_relay_outbox(
    plan: AnyRelayPlan,
    persistence: Persistence,
    settings: StrategySettings,
    *,
    lease_s: float,
    wake_up: WakeUp,
    observe: Callable[[str], None] = lambda _: None,
) -> AsyncIterator[OpenOutbox]:
    """Yield the outbox of a database that was prepared for the plan.

    `log` reads over connections of its own, the others over the strategy's.

    Raises:
        PersistenceError: the database cannot be reached.
    """
    if plan != "log":
        outbox = persistence.outbox(plan, lease_s)
        match wake_up:
            case "poll":
                yield OpenOutbox(outbox, persistence)
            case "notify":
                yield OpenOutbox(outbox, persistence, listen=persistence.listen)
            case "announce":
                bell = Doorbell()
                units = RingingUnitsOfWork(persistence, bell.ring)
                yield OpenOutbox(outbox, units, bell, persistence.listen)
        return
    doorbell = Doorbell()
    log = await open_log_outbox(settings, doorbell.ring, lease_s=lease_s, observe=observe)
    try:
        yield OpenOutbox(log, persistence, doorbell)
    finally:
        await log.close()
