"""The engine that both SQLAlchemy strategies open, over either driver.

The pool keeps SQLAlchemy's defaults but for its size: no pre-ping, no recycling, and the rollback
on return that costs nothing once a transaction has ended. The profiles do not differ.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from sqlalchemy import URL, event
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from outboxbench.core.application.answers import AnswerWatch
from outboxbench.core.strategies.rows import encode_state
from outboxbench.core.strategies.server_report import translate
from outboxbench.core.strategies.sqlalchemy_watched import (
    await_nothing_once_prepared,
    connect_asyncpg,
    connect_psycopg,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import AdaptedConnection

    from outboxbench.core.application.doorbell import Doorbell
    from outboxbench.core.application.outcome import PersistenceError
    from outboxbench.core.strategies.settings import StrategySettings

Driver: TypeAlias = Literal["asyncpg", "psycopg"]


async def open_engine(driver: Driver, settings: StrategySettings) -> AsyncEngine:
    """Return an engine whose pool is filled with `settings.pool_size` connections."""
    address = settings.address
    engine = create_async_engine(
        URL.create(
            f"postgresql+{driver}",
            username=address.user,
            password=address.password,
            database=address.database,
        ),
        connect_args=_connect_args(driver, settings, AnswerWatch(settings.answer_timeout_s)),
        json_serializer=encode_state,
        pool_size=settings.pool_size,
        max_overflow=0,
        pool_timeout=settings.connect_timeout_s,
    )
    await_nothing_once_prepared(engine)
    if driver == "asyncpg":
        event.listen(engine.sync_engine, "invalidate", _drop)
    try:
        connections = [await engine.connect() for _ in range(settings.pool_size)]
        for connection in connections:
            await connection.close()
    except BaseException:
        await engine.dispose()
        raise
    return engine


async def announce(driver: Driver, settings: StrategySettings, bell: Doorbell) -> None:
    """Notify whoever listens each time the bell is rung, on a connection of the driver's own.

    Raises:
        PersistenceError: the connection is lost.
    """
    if driver == "asyncpg":
        from outboxbench.core.strategies import asyncpg_connection

        await asyncpg_connection.announce(settings, bell)
    else:
        from outboxbench.core.strategies import psycopg_connection

        await psycopg_connection.announce(settings, bell)


async def listen(driver: Driver, settings: StrategySettings, ring: Callable[[], None]) -> None:
    """Call `ring` whenever a commit is announced, on a connection of the driver's own.

    SQLAlchemy has nothing for it.

    Raises:
        PersistenceError: the connection is lost.
    """
    if driver == "asyncpg":
        from outboxbench.core.strategies import asyncpg_connection

        await asyncpg_connection.listen(settings, ring)
    else:
        from outboxbench.core.strategies import psycopg_connection

        await psycopg_connection.listen(settings, ring)


def translator(driver: Driver) -> Callable[[Exception], PersistenceError]:
    """Return what says what an exception of SQLAlchemy over this driver means."""
    # Only the driver in use is imported: a worker starts with what it measures and no more.
    if driver == "asyncpg":
        from outboxbench.core.strategies import asyncpg_report

        return partial(
            translate,
            report_of=asyncpg_report.report_of,
            timeouts=(PoolTimeout,),
            disconnections=asyncpg_report.DISCONNECTIONS,
        )
    from outboxbench.core.strategies import psycopg_report

    return partial(
        translate,
        report_of=psycopg_report.report_of,
        timeouts=(PoolTimeout,),
        disconnections=psycopg_report.DISCONNECTIONS,
    )


def _connect_args(driver: Driver, settings: StrategySettings, watch: AnswerWatch) -> dict[str, Any]:
    # Hosts are not in the URL, since the drivers have a form each for several of them.
    if driver == "asyncpg":
        from outboxbench.core.strategies import asyncpg_connection

        return {
            **asyncpg_connection.host_arguments(settings.address),
            "ssl": settings.address.sslmode,
            "timeout": settings.connect_timeout_s,
            "server_settings": settings.session_parameters,
            "async_creator_fn": partial(connect_asyncpg, watch),
        }
    from outboxbench.core.strategies import psycopg_connection

    return {
        **psycopg_connection.host_arguments(settings.address),
        "sslmode": settings.address.sslmode,
        "connect_timeout": max(2, round(settings.connect_timeout_s)),
        "options": settings.startup_options,
        "async_creator_fn": partial(connect_psycopg, watch),
    }


def _drop(connection: AdaptedConnection, *_: object) -> None:
    """Drop a connection over asyncpg that is worthless.

    SQLAlchemy would see it off first, and where nothing passes any more that takes it 2 s.
    """
    connection.driver_connection.terminate()
