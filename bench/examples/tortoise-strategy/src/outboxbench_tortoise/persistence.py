"""Opens Tortoise ORM on a pool of asyncpg connections.

`idiomatic` is the pool as Tortoise makes it: a connection that is given back runs a reset query,
which is one more round trip, and is replaced after 50,000 queries. `matched` switches both off.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from tortoise.backends.asyncpg.client import AsyncpgDBClient
from tortoise.context import TortoiseContext

from outboxbench.core.application.answers import AnswerWatch
from outboxbench.core.strategies.asyncpg_connection import announce, host_arguments, listen
from outboxbench.core.strategies.asyncpg_watched import WatchedConnection, connect_watched
from outboxbench.core.strategies.operations import was_committed
from outboxbench.core.strategies.relay_plans.opening import open_outbox
from outboxbench_tortoise.relay import TortoiseExecutor
from outboxbench_tortoise.unit_of_work import TortoiseUnitOfWork

if TYPE_CHECKING:
    from collections.abc import Callable
    from uuid import UUID

    import asyncpg

    from outboxbench.core.application.doorbell import Doorbell
    from outboxbench.core.application.outbox import RelayPlan
    from outboxbench.core.application.outcome import Attempt
    from outboxbench.core.application.ports import Outbox
    from outboxbench.core.strategies.settings import StrategySettings


class TortoisePersistence:
    """What is open while a block is measured: units of work on one pool."""

    def __init__(self, client: AsyncpgDBClient, settings: StrategySettings) -> None:
        self._client = client
        self._settings = settings

    def unit_of_work(self, attempt: Attempt) -> TortoiseUnitOfWork:
        """Return a unit of work that reports its progress to `attempt`."""
        return TortoiseUnitOfWork(self._client, attempt)

    def outbox(self, plan: RelayPlan, lease_s: float) -> Outbox:
        """Return the outbox as one relay sees it."""
        return open_outbox(TortoiseExecutor(self._client), plan, lease_s)

    async def announce(self, bell: Doorbell) -> None:
        """Notify whoever listens each time the bell is rung, over a connection beside the pool."""
        await announce(self._settings, bell)

    async def listen(self, ring: Callable[[], None]) -> None:
        """Call `ring` whenever a commit is announced; Tortoise has nothing for it, asyncpg has."""
        await listen(self._settings, ring)

    async def was_committed(self, op_id: UUID) -> bool:
        """Tell whether an operation is in the database."""
        return await was_committed(TortoiseExecutor(self._client), op_id)

    async def close(self) -> None:
        """Close every connection."""
        await self._client.close()


async def open_persistence(settings: StrategySettings) -> TortoisePersistence:
    """Connect `settings.pool_size` times."""
    # As `Tortoise.init()` does it: models work in this task and in those that it starts. But a
    # second call would close what the first one opened, and here both may be in use.
    context = TortoiseContext().__enter__()
    await context.init(
        {
            "connections": {
                "default": {
                    "engine": "tortoise.backends.asyncpg",
                    "credentials": _credentials(settings),
                }
            },
            "apps": {"outboxbench": {"models": ["outboxbench_tortoise.models"]}},
        }
    )
    client = context.db()
    assert isinstance(client, AsyncpgDBClient)
    # It knows one host and port; what is here besides goes to asyncpg as it is.
    client.extra |= host_arguments(settings.address)
    # Else Tortoise connects at the first query, which would fall into somebody's measurement.
    await client.create_connection(with_db=True)
    return TortoisePersistence(client, settings)


def _credentials(settings: StrategySettings) -> dict[str, Any]:
    address = settings.address
    credentials: dict[str, Any] = {
        "host": address.host,
        "port": address.port,
        "user": address.user,
        "password": address.password,
        "database": address.database,
        "ssl": address.sslmode,
        "timeout": settings.connect_timeout_s,
        # A limit on answers that never come, as all strategies have it.
        "connect": partial(connect_watched, AnswerWatch(settings.answer_timeout_s)),
        "connection_class": WatchedConnection,
        "init": _await_nothing,
        # Other timeouts and isolation are the server's business, and the same for every strategy.
        "server_settings": settings.session_parameters,
        "minsize": settings.pool_size,
        "maxsize": settings.pool_size,
    }
    if settings.profile == "matched":
        credentials |= {
            "reset": _no_reset,
            "max_queries": 2**62,
            "max_inactive_connection_lifetime": 0,
        }
    return credentials


async def _await_nothing(connection: WatchedConnection) -> None:
    """Note that a new connection is ready: nothing else has to be asked of the server."""
    connection.awaited.looks = None


async def _no_reset(connection: asyncpg.Connection) -> None:
    """Leave a connection as it is: no unit of work changes its session."""
