"""The connections of an engine under a watch, over either driver."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from sqlalchemy import event

if TYPE_CHECKING:
    from sqlalchemy import AdaptedConnection
    from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

    from outboxbench.core.application.answers import AnswerWatch, Awaited
    from outboxbench.core.strategies.asyncpg_watched import WatchedConnection as AsyncpgConnection
    from outboxbench.core.strategies.psycopg_watched import WatchedConnection as PsycopgConnection


async def connect_asyncpg(watch: AnswerWatch, *arguments: Any, **options: Any) -> AsyncpgConnection:
    """Connect over asyncpg, for an engine."""
    # Only the driver in use is imported: a worker starts with what it measures and no more.
    from outboxbench.core.strategies.asyncpg_watched import connect_watched

    return await connect_watched(watch, *arguments, **options)


async def connect_psycopg(watch: AnswerWatch, **options: Any) -> PsycopgConnection:
    """Connect over psycopg, for an engine."""
    from outboxbench.core.strategies.psycopg_watched import WatchedConnection

    connection = await WatchedConnection.connect(**options)
    connection.put_under(watch)
    # The dialect looks types up before anybody has the connection.
    connection.awaited.looks = 0
    return connection


def await_nothing_once_prepared(engine: AsyncEngine) -> None:
    """Note of each new connection that what the dialect has asked of it is answered.

    The statements themselves are noted by whoever sends them: with any event for statements an
    engine takes a slower way through all of them.
    """
    # After the dialect's own, which was there before.
    event.listen(engine.sync_engine, "connect", _is_prepared)


def awaited_of(connection: AsyncConnection) -> Awaited:
    """Return what notes the requests of a connection."""
    lent = connection.sync_connection
    assert lent is not None
    return cast("Awaited", lent.connection.driver_connection.awaited)  # type: ignore[union-attr]


def _is_prepared(connection: AdaptedConnection, _: object) -> None:
    connection.driver_connection.awaited.looks = None
