"""Opens the outbox of any relay plan, and with it whatever wakes its relay."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from outboxbench.core.application.doorbell import Doorbell
from outboxbench.core.replication.opening import open_log_outbox

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from outboxbench.core.application.outbox import AnyRelayPlan
    from outboxbench.core.application.ports import Outbox, Persistence
    from outboxbench.core.strategies.settings import StrategySettings


@dataclass(frozen=True, slots=True)
class OpenOutbox:
    """An outbox and what rings for it: its own log, or commits that announce themselves.

    A relay is given both, of which one at most is there.
    """

    outbox: Outbox
    doorbell: Doorbell | None = None
    listen: Callable[[Callable[[], None]], Awaitable[None]] | None = None


@asynccontextmanager
async def open_relay_outbox(
    plan: AnyRelayPlan,
    persistence: Persistence,
    settings: StrategySettings,
    *,
    lease_s: float,
    announced: bool,
    observe: Callable[[str], None] = lambda _: None,
) -> AsyncIterator[OpenOutbox]:
    """Yield the outbox of a database that was prepared for the plan.

    `log` reads over connections of its own, the others over the strategy's.

    Raises:
        PersistenceError: the database cannot be reached.
    """
    if plan != "log":
        listen = persistence.listen if announced else None
        yield OpenOutbox(persistence.outbox(plan, lease_s), listen=listen)
        return
    doorbell = Doorbell()
    outbox = await open_log_outbox(settings, doorbell.ring, lease_s=lease_s, observe=observe)
    try:
        yield OpenOutbox(outbox, doorbell)
    finally:
        await outbox.close()
