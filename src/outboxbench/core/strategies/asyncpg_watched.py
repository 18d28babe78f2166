"""asyncpg's connections under a watch, for whatever stands on asyncpg."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import asyncpg

if TYPE_CHECKING:
    from asyncpg.pool import PoolConnectionProxy

    from outboxbench.core.application.answers import AnswerWatch, Awaited


class WatchedConnection(asyncpg.Connection):
    """A connection that is terminated once it has waited too long."""

    # A dictionary would make each look-up of a method slower than it is in asyncpg's own.
    __slots__ = ("awaited",)

    awaited: Awaited

    async def reset(self, *, timeout: float | None = None) -> None:  # noqa: ASYNC109 - asyncpg's
        """Reset the session, as a pool does with what is given back unless told otherwise."""
        self.awaited.looks = 0
        try:
            await super().reset(timeout=timeout)
        finally:
            self.awaited.looks = None

    async def close(self, *, timeout: float | None = None) -> None:  # noqa: ASYNC109 - asyncpg's
        """Take leave of the server, and go without its answer if there is none."""
        self.awaited.looks = 0
        await super().close(timeout=timeout)


def awaited_of(connection: PoolConnectionProxy) -> Awaited:
    """Return what notes the requests of a connection that a pool has lent."""
    # It passes on what it does not know itself.
    awaited: Awaited = connection.awaited  # type: ignore[attr-defined]
    return awaited


async def fetch_watched(
    connection: PoolConnectionProxy, statement: str, *parameters: object
) -> list[asyncpg.Record]:
    """Run a statement on a connection that a pool has lent, and return its rows."""
    awaited = awaited_of(connection)
    awaited.looks = 0
    try:
        return await connection.fetch(statement, *parameters)
    finally:
        awaited.looks = None


async def connect_watched(watch: AnswerWatch, *arguments: Any, **options: Any) -> WatchedConnection:
    """Connect as `asyncpg.connect` does.

    What prepares the connection for use asks as well, and has to note when it is answered.
    """
    connection: WatchedConnection = await asyncpg.connect(
        *arguments, **{**options, "connection_class": WatchedConnection}
    )
    connection.awaited = watch.awaited(connection.terminate)
    connection.awaited.looks = 0
    return connection
