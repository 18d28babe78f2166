"""The service over an opened strategy, from the pool to the paths."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from outboxbench.core.application.outcome import FailureKind, PersistenceError
from outboxbench.web.app import build_app
from outboxbench.web.endpoints import Endpoints
from outboxbench.web.meters import Meters
from outboxbench.web.operations import Limits, Operations

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from starlette.applications import Starlette

    from outboxbench.core.application.outbox import AnyRelayPlan, OutboxStatus
    from outboxbench.core.application.ports import Persistence, UnitsOfWork


@asynccontextmanager
async def open_app(
    persistence: Persistence,
    units: UnitsOfWork,
    limits: Limits,
    *,
    pool_size: int,
    relay_plan: AnyRelayPlan,
    token: str | None = None,
    observe: Callable[[str], None] = lambda _: None,
) -> AsyncIterator[Starlette]:
    """Yield the application; at the end nothing of it is under way any more.

    Args:
        persistence: what commits; whoever opened it closes it.
        units: its units of work, which ring for relays.
        limits: how much at a time, and for how long.
        pool_size: connections of its pool.
        relay_plan: that of the database, which tells how the outbox stands.
        token: what clients have to show.
        observe: told of mistakes of ours.
    """
    meters = Meters(pool_size)
    operations = Operations(persistence, units, limits, meters)

    async def outbox_status() -> OutboxStatus:
        if relay_plan == "log":
            # Its messages are in no table: `outboxbench relay status` reads the log.
            raise PersistenceError("the outbox is read from the log", FailureKind.OTHER)
        outbox = persistence.outbox(relay_plan, lease_s=0)
        try:
            return await outbox.status()
        finally:
            await outbox.close()

    try:
        yield build_app(Endpoints(operations, meters, outbox_status), token=token, observe=observe)
    finally:
        await operations.close()
