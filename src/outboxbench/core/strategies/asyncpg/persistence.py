"""A pool of asyncpg connections.

`idiomatic` is `create_pool` with its defaults: a connection that is given back runs a reset query,
and is replaced after 50,000 queries. `matched` switches both off, since no other library has them.
Neither bounds the wait for a connection as the other pools do: asyncpg's bound costs a task for
each acquisition, some 20 µs, and a pool as large as the number of clients makes nobody wait.
"""

from __future__ import annotations

import asyncio
import json
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any, TypeAlias

import asyncpg

from outboxbench.core.application.answers import AnswerWatch
from outboxbench.core.strategies.asyncpg.executor import AsyncpgExecutor
from outboxbench.core.strategies.asyncpg_connection import announce, connect_arguments, listen
from outboxbench.core.strategies.asyncpg_watched import WatchedConnection, connect_watched
from outboxbench.core.strategies.operations import was_committed
from outboxbench.core.strategies.relay_plans.opening import open_outbox
from outboxbench.core.strategies.rows import encode_state

if TYPE_CHECKING:
    from collections.abc import Callable
    from uuid import UUID

    from outboxbench.core.application.doorbell import Doorbell
    from outboxbench.core.application.outbox import RelayPlan
    from outboxbench.core.application.outcome import Attempt
    from outboxbench.core.application.ports import Outbox, UnitOfWork
    from outboxbench.core.strategies.settings import StrategySettings


NewUnit: TypeAlias = "Callable[[asyncpg.Pool, Attempt], UnitOfWork]"


class AsyncpgPersistence:
    """Units of work on one asyncpg pool."""

    def __init__(self, pool: asyncpg.Pool, new_unit: NewUnit, settings: StrategySettings) -> None:
        self._pool = pool
        self._new_unit = new_unit
        self._settings = settings

    def unit_of_work(self, attempt: Attempt) -> UnitOfWork:
        """Return a unit of work that reports its progress to `attempt`."""
        return self._new_unit(self._pool, attempt)

    def outbox(self, plan: RelayPlan, lease_s: float) -> Outbox:
        """Return the outbox as one relay sees it."""
        return open_outbox(AsyncpgExecutor(self._pool), plan, lease_s)

    async def listen(self, ring: Callable[[], None]) -> None:
        """Call `ring` whenever a commit is announced, on a connection beside the pool."""
        await listen(self._settings, ring)

    async def announce(self, bell: Doorbell) -> None:
        """Notify whoever listens each time the bell is rung, over a connection beside the pool."""
        await announce(self._settings, bell)

    async def was_committed(self, op_id: UUID) -> bool:
        """Tell whether an operation is in the database."""
        return await was_committed(AsyncpgExecutor(self._pool), op_id)

    async def close(self) -> None:
        """Close every connection."""
        await close_pool(self._pool, self._settings)


async def open_persistence(new_unit: NewUnit, settings: StrategySettings) -> AsyncpgPersistence:
    """Connect `settings.pool_size` times; `new_unit` is the write plan."""
    return AsyncpgPersistence(await open_pool(settings), new_unit, settings)


async def open_pool(settings: StrategySettings) -> asyncpg.Pool:
    """Return a pool that is connected `settings.pool_size` times."""
    pool_options: dict[str, Any] = {
        "connect": partial(connect_watched, AnswerWatch(settings.answer_timeout_s)),
        "connection_class": WatchedConnection,
        "init": _prepare,
    }
    if settings.profile == "matched":
        pool_options |= {
            "reset": _no_reset,
            "max_queries": 2**62,
            "max_inactive_connection_lifetime": 0,
        }
    return await asyncpg.create_pool(
        **connect_arguments(settings),
        min_size=settings.pool_size,
        max_size=settings.pool_size,
        **pool_options,
    )


async def close_pool(pool: asyncpg.Pool, settings: StrategySettings) -> None:
    """Close every connection, those too that nothing passes any more."""
    # The pool would wait for the server to see them off, and has no limit of its own for that;
    # where it is interrupted it drops them.
    with suppress(TimeoutError):
        async with asyncio.timeout(settings.answer_timeout_s):
            await pool.close()


async def _no_reset(connection: asyncpg.Connection) -> None:
    """Leave a connection as it is: no unit of work changes its session."""


async def _prepare(connection: WatchedConnection) -> None:
    # asyncpg hands jsonb over as text unless told how to encode it.
    await connection.set_type_codec(
        "jsonb", schema="pg_catalog", encoder=encode_state, decoder=json.loads
    )
    connection.awaited.looks = None
