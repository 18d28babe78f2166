"""What the tests of the fault proxy share: the ways in which its clients commit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import asyncpg
import psycopg

from outboxbench.harness.postgres.server import connect

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from outboxbench.core.strategies.settings import DatabaseAddress

PATIENCE_S = 30.0
BROKEN = (
    OSError,
    psycopg.OperationalError,
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
)
"""What clients raise when their connection has gone."""

INSERT = "INSERT INTO item VALUES (1)"
SCHEMA = "CREATE TABLE item (id int)"


def rows(address: DatabaseAddress) -> int:
    with connect(address) as connection:
        ((count,),) = connection.execute("SELECT count(*) FROM item").fetchall()
    return int(count)


def psycopg_over(
    address: DatabaseAddress, *, autocommit: bool = True
) -> psycopg.Connection[tuple[Any, ...]]:
    connection = connect(address)
    connection.autocommit = autocommit
    return connection


async def asyncpg_over(address: DatabaseAddress) -> asyncpg.Connection:
    return await asyncpg.connect(
        host=address.host,
        port=address.port,
        user=address.user,
        password=address.password,
        database=address.database,
        ssl="disable",
        timeout=PATIENCE_S,
        command_timeout=PATIENCE_S,
    )


async def asyncpg_explicit(address: DatabaseAddress) -> None:
    connection = await asyncpg_over(address)
    try:
        async with connection.transaction():
            await connection.execute("INSERT INTO item VALUES ($1)", 1)
    finally:
        connection.terminate()


async def asyncpg_implicit(address: DatabaseAddress) -> None:
    connection = await asyncpg_over(address)
    try:
        await connection.execute("INSERT INTO item VALUES ($1)", 1)
    finally:
        connection.terminate()


async def asyncpg_simple(address: DatabaseAddress) -> None:
    connection = await asyncpg_over(address)
    try:
        await connection.execute(INSERT)
    finally:
        connection.terminate()


async def psycopg_explicit(address: DatabaseAddress) -> None:
    with psycopg_over(address, autocommit=False) as connection:
        connection.execute("INSERT INTO item VALUES (%s)", [1])
        connection.commit()


async def psycopg_pipeline(address: DatabaseAddress) -> None:
    with psycopg_over(address, autocommit=False) as connection, connection.pipeline():
        connection.execute("INSERT INTO item VALUES (%s)", [1])
        connection.commit()


async def psycopg_implicit(address: DatabaseAddress) -> None:
    with psycopg_over(address) as connection:
        connection.execute("INSERT INTO item VALUES (%s)", [1])


async def psycopg_prepared(address: DatabaseAddress) -> None:
    with psycopg_over(address) as connection:
        connection.execute("INSERT INTO item VALUES (%s)", [1], prepare=True)


COMMITS: list[Callable[[DatabaseAddress], Awaitable[None]]] = [
    asyncpg_explicit,
    asyncpg_implicit,
    asyncpg_simple,
    psycopg_explicit,
    psycopg_pipeline,
    psycopg_implicit,
    psycopg_prepared,
]
