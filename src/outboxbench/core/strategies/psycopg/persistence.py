"""A pool of psycopg connections, each with the cursor that its statements go through.

Both profiles send the shared statements through psycopg's raw cursors, which take PostgreSQL's own
`$n`. `idiomatic` reads rows as psycopg does by default, as text; `matched` asks for the binary
format, which is all that asyncpg speaks.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, TypeAlias

from psycopg import AsyncConnection, AsyncCursor, AsyncRawCursor, conninfo
from psycopg.types.json import JsonbDumper, set_json_dumps
from psycopg_pool import AsyncConnectionPool

from outboxbench.core.strategies.rows import encode_state

if TYPE_CHECKING:
    from collections.abc import Callable

    from outboxbench.core.application.outcome import Attempt
    from outboxbench.core.application.ports import UnitOfWork
    from outboxbench.core.strategies.settings import StrategySettings


class Connection(AsyncConnection[Any]):
    """A connection that keeps one cursor.

    A new one for each statement would find out again how to adapt every type, which takes up to a
    tenth of the client's time.
    """

    kept_cursor: AsyncCursor[Any]


Pool: TypeAlias = AsyncConnectionPool[Connection]
NewUnit: TypeAlias = "Callable[[Pool, Attempt], UnitOfWork]"


class PsycopgPersistence:
    """Units of work on one psycopg pool."""

    def __init__(self, pool: Pool, new_unit: NewUnit) -> None:
        self._pool = pool
        self._new_unit = new_unit

    def unit_of_work(self, attempt: Attempt) -> UnitOfWork:
        """Return a unit of work that reports its progress to `attempt`."""
        return self._new_unit(self._pool, attempt)

    async def close(self) -> None:
        """Close every connection."""
        await self._pool.close()


async def open_persistence(
    new_unit: NewUnit, settings: StrategySettings, *, autocommit: bool = False
) -> PsycopgPersistence:
    """Connect `settings.pool_size` times; `new_unit` is the write plan.

    With `autocommit` psycopg sends no BEGIN of its own.
    """
    return PsycopgPersistence(await open_pool(settings, autocommit=autocommit), new_unit)


async def open_pool(settings: StrategySettings, *, autocommit: bool = False) -> Pool:
    """Return a pool that is connected `settings.pool_size` times."""
    address = settings.address
    pool = AsyncConnectionPool(
        conninfo.make_conninfo(
            host=address.host,
            port=address.port,
            user=address.user,
            password=address.password,
            dbname=address.database,
            sslmode=address.sslmode,
            connect_timeout=max(2, round(settings.connect_timeout_s)),
            options=settings.startup_options,
        ),
        connection_class=Connection,
        kwargs={"cursor_factory": AsyncRawCursor, "autocommit": autocommit},
        min_size=settings.pool_size,
        max_size=settings.pool_size,
        timeout=settings.connect_timeout_s,
        configure=partial(_configure, binary=settings.profile == "matched"),
        open=False,
    )
    try:
        await pool.open(wait=True, timeout=settings.connect_timeout_s)
    except BaseException:
        await pool.close()
        raise
    return pool


async def _configure(connection: Connection, *, binary: bool) -> None:
    set_json_dumps(encode_state, connection)
    connection.adapters.register_dumper(dict, JsonbDumper)
    # After the adapters, which it copies.
    connection.kept_cursor = connection.cursor(binary=binary)
