"""Pools of psycopg connections.

`idiomatic` is psycopg_pool as it comes. It hands out every connection that died once, and tries
again to connect after a second, two, four and so on: its clients wait for seconds where the server
was away for a moment, and no setting changes those delays. `matched` does what SQLAlchemy's pool
does by itself, with nothing but what psycopg_pool offers: see `RecoveringPool`.
"""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from psycopg import AsyncRawCursor, OperationalError
from psycopg.types.json import JsonbDumper, set_json_dumps
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from outboxbench.core.application.answers import AnswerWatch
from outboxbench.core.strategies.psycopg.connection import Connection
from outboxbench.core.strategies.psycopg_connection import conninfo_of
from outboxbench.core.strategies.rows import encode_state

if TYPE_CHECKING:
    from outboxbench.core.strategies.settings import StrategySettings

RECONNECT_EVERY_S: Final = 0.1
"""Shorter than anybody waits for a connection, and long enough to leave a server in peace."""

_AT_ONCE_S: Final = 0.001
"""For how long anybody waits in a pool that needs no more than to wake up for it."""

Pool: TypeAlias = AsyncConnectionPool[Connection]


class RecoveringPool(AsyncConnectionPool[Connection]):
    """A pool that learns from the first connection it finds lost, and does not wait to reconnect.

    Who finds a connection lost has all older ones replaced: what ended that one has most likely
    ended them too, and each would cost somebody an attempt. And a connection that cannot be made is
    given up before the pool's delays grow; the pool then makes new ones, one by one, until it is as
    large as it was.

    Nor does anybody wait for a connection that cannot be made. Pools that connect when somebody
    comes, as asyncpg's and SQLAlchemy's do, tell him at once; this one connects in the background,
    and so tells those who wait as soon as it has failed and no connection is in use that could
    become theirs. In all of them who waits is told after `connect_timeout_s` at the latest, but
    with asyncpg where all connections are in use: see there.

    Args:
        settings: how to connect, and how often.
        autocommit: whether psycopg sends no BEGIN of its own.
    """

    def __init__(self, settings: StrategySettings, *, autocommit: bool) -> None:
        self._generation = 0
        self._lent = 0
        self._waits: set[asyncio.Timeout] = set()
        self._configure_new = partial(
            _configure, settings=settings, watch=AnswerWatch(settings.answer_timeout_s)
        )
        super().__init__(
            **_arguments(settings, autocommit=autocommit),
            configure=self._prepare,
            reconnect_timeout=RECONNECT_EVERY_S,
            reconnect_failed=_grow_again,
        )

    async def getconn(self, timeout: float | None = None) -> Connection:  # noqa: ASYNC109 - as there
        """Lend a connection.

        Raises:
            OperationalError: none could be made.
            PoolTimeout: none was there in time.
        """
        try:
            # What could end the wait early costs more than all else here, and is seldom needed.
            connection = await super().getconn(_AT_ONCE_S)
        except PoolTimeout:
            connection = await self._wait_for_one(timeout)
        self._lent += 1
        return connection

    async def putconn(self, conn: Connection) -> None:
        """Take a connection back, and have all older ones replaced if it is lost."""
        is_lost = conn.broken
        self._lent -= 1
        await super().putconn(conn)
        # Of those that one event has ended many may be in use: the first to come back tells.
        if is_lost and conn.generation == self._generation:
            self._generation += 1
            await self.drain()

    async def reconnect_failed(self) -> None:
        """Tell those who wait, unless others may still give a connection back."""
        if not self._lent:
            now_s = asyncio.get_running_loop().time()
            while self._waits:
                self._waits.pop().reschedule(now_s)
        await super().reconnect_failed()

    async def _wait_for_one(self, longest_s: float | None) -> Connection:
        wait = asyncio.timeout(None)
        try:
            async with wait:
                self._waits.add(wait)
                try:
                    return await super().getconn(longest_s)
                finally:
                    self._waits.discard(wait)
        except TimeoutError as error:
            raise OperationalError("no connection can be made") from error

    async def _prepare(self, connection: Connection) -> None:
        connection.generation = self._generation
        await self._configure_new(connection)


async def open_pool(settings: StrategySettings, *, autocommit: bool = False) -> Pool:
    """Return a pool that is connected `settings.pool_size` times.

    With `autocommit` psycopg sends no BEGIN of its own.
    """
    pool: Pool
    if settings.profile == "matched":
        pool = RecoveringPool(settings, autocommit=autocommit)
    else:
        pool = AsyncConnectionPool(
            **_arguments(settings, autocommit=autocommit),
            configure=partial(
                _configure, settings=settings, watch=AnswerWatch(settings.answer_timeout_s)
            ),
        )
    try:
        await pool.open(wait=True, timeout=settings.connect_timeout_s)
    except BaseException:
        await pool.close()
        raise
    return pool


def _arguments(settings: StrategySettings, *, autocommit: bool) -> dict[str, Any]:
    return {
        "conninfo": conninfo_of(settings),
        "connection_class": Connection,
        "kwargs": {"cursor_factory": AsyncRawCursor, "autocommit": autocommit},
        "min_size": settings.pool_size,
        "max_size": settings.pool_size,
        "timeout": settings.connect_timeout_s,
        "open": False,
    }


async def _grow_again(pool: AsyncConnectionPool[Any]) -> None:
    """Have a pool that has given up on a connection make one for those who wait for it."""
    # It grows when somebody comes and finds none, but those who wait came before: a check of what
    # it has, which is nothing while the server is away, is what makes it grow besides.
    await pool.check()


async def _configure(
    connection: Connection, *, settings: StrategySettings, watch: AnswerWatch
) -> None:
    connection.put_under(watch)
    set_json_dumps(encode_state, connection)
    connection.adapters.register_dumper(dict, JsonbDumper)
    # After the adapters, which it copies.
    connection.kept_cursor = connection.cursor(binary=settings.profile == "matched")
