"""What clients do with a server they can do through the proxy, the unpleasant included."""

from __future__ import annotations

import asyncio
import secrets
import time
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import asyncpg
import psutil
import psycopg
import pytest

from outboxbench.harness.postgres.server import connect
from outboxbench.harness.wire.proxy_process import WireProxy

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from outboxbench.core.strategies.settings import DatabaseAddress
    from outboxbench.harness.janitor import Janitor

LARGE_BYTES = 10_000_000
PATIENCE_S = 30.0


@asynccontextmanager
async def asyncpg_connection(address: DatabaseAddress) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(
        host=address.host,
        port=address.port,
        user=address.user,
        password=address.password,
        database=address.database,
        ssl="disable",
    )
    try:
        yield connection
    finally:
        connection.terminate()


async def psycopg_connection(
    address: DatabaseAddress, **options: Any
) -> psycopg.AsyncConnection[tuple[Any, ...]]:
    return await psycopg.AsyncConnection.connect(
        host=address.host,
        port=address.port,
        user=address.user,
        password=address.password,
        dbname=address.database,
        autocommit=True,
        **options,
    )


async def until_backend(address: DatabaseAddress, pid: int, condition: str) -> None:
    """Wait until a session's row (if any) meets an SQL condition, seen past the proxy."""
    query = f"SELECT {condition} FROM (SELECT) LEFT JOIN pg_stat_activity ON pid = {pid}"
    deadline_s = time.monotonic() + PATIENCE_S
    with connect(address) as observer:
        while observer.execute(query).fetchone() != (True,):
            assert time.monotonic() < deadline_s, f"never came: {condition}"
            await asyncio.sleep(0.01)


async def test_large_values_pass_both_ways_and_do_not_stay(
    proxied: DatabaseAddress, proxy: WireProxy
) -> None:
    value = secrets.token_bytes(LARGE_BYTES)
    before = proxy.counts()
    async with asyncpg_connection(proxied) as connection:
        assert await connection.fetchval("SELECT $1::bytea", value) == value
        small_bytes = psutil.Process(proxy.pid).memory_info().rss
        for _ in range(5):
            assert await connection.fetchval("SELECT $1::bytea", value) == value
        grown_bytes = psutil.Process(proxy.pid).memory_info().rss - small_bytes
        counts = proxy.counts() - before

    assert grown_bytes < LARGE_BYTES
    assert counts.frontend_bytes > 6 * LARGE_BYTES
    assert counts.backend_bytes > 6 * LARGE_BYTES


async def test_many_rows_pass(proxied: DatabaseAddress, proxy: WireProxy) -> None:
    before = proxy.counts()
    async with asyncpg_connection(proxied) as connection:
        rows = await connection.fetch("SELECT number FROM generate_series(1, 20000) AS number")
        counts = proxy.counts() - before

    assert [row["number"] for row in rows] == list(range(1, 20_001))
    assert counts.backend_messages["DataRow"] == 20_000


async def test_fifty_connections_pass_side_by_side(
    proxied: DatabaseAddress, proxy: WireProxy
) -> None:
    async def work(number: int) -> int:
        async with asyncpg_connection(proxied) as connection:
            for _ in range(4):
                answer: int = await connection.fetchval("SELECT $1::int", number)
            return answer

    before = proxy.counts()
    answers = await asyncio.gather(*(work(number) for number in range(50)))
    counts = proxy.counts() - before

    assert answers == list(range(50))
    assert counts.sessions == 50
    assert counts.round_trips == 50 * (1 + 4)


async def test_a_notification_comes_without_being_asked_for(proxied: DatabaseAddress) -> None:
    heard: asyncio.Queue[str] = asyncio.Queue()
    async with asyncpg_connection(proxied) as listener, asyncpg_connection(proxied) as speaker:
        await listener.add_listener("events", lambda *event: heard.put_nowait(event[-1]))
        await speaker.execute("NOTIFY events, 'told'")
        async with asyncio.timeout(PATIENCE_S):
            assert await heard.get() == "told"


@pytest.mark.parametrize("command", ["COPY item FROM STDIN", "COPY item TO STDOUT"])
async def test_a_copy_passes(command: str, proxied: DatabaseAddress, proxy: WireProxy) -> None:
    async with await psycopg_connection(proxied) as connection, connection.cursor() as cursor:
        await cursor.execute("CREATE TEMP TABLE item AS SELECT 'x' FROM generate_series(1, 5000)")
        before = proxy.counts()
        async with cursor.copy(command.encode()) as copy:
            if "FROM" in command:
                for _ in range(5000):
                    await copy.write_row(["y"])
            else:
                assert len([row async for row in copy.rows()]) == 5000
        counts = proxy.counts() - before

    assert counts.round_trips == (2 if "FROM" in command else 1)


async def test_a_client_that_asks_to_encrypt_is_answered_by_the_server(
    proxied: DatabaseAddress,
) -> None:
    async with await psycopg_connection(proxied, sslmode="prefer") as connection:
        assert not connection.pgconn.ssl_in_use
        assert await (await connection.execute("SELECT 1")).fetchone() == (1,)


async def test_a_wrong_password_is_refused_by_the_server(proxied: DatabaseAddress) -> None:
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        await psycopg_connection(replace(proxied, password="wrong"))


async def test_an_error_has_its_sqlstate(proxied: DatabaseAddress) -> None:
    async with await psycopg_connection(proxied) as connection:
        with pytest.raises(psycopg.errors.UndefinedTable):
            await connection.execute("SELECT * FROM nosuch")
        assert await (await connection.execute("SELECT 1")).fetchone() == (1,)


async def test_a_query_can_be_cancelled(
    proxied: DatabaseAddress, database: DatabaseAddress
) -> None:
    async with await psycopg_connection(proxied) as connection:
        query = asyncio.create_task(connection.execute("SELECT pg_sleep(600)"))
        await until_backend(database, connection.info.backend_pid, "wait_event = 'PgSleep'")
        await connection.cancel_safe(timeout=PATIENCE_S)
        with pytest.raises(psycopg.errors.QueryCanceled):
            await query


async def test_the_last_word_of_a_killed_backend_arrives(
    proxied: DatabaseAddress, database: DatabaseAddress
) -> None:
    async with await psycopg_connection(proxied) as connection:
        query = asyncio.create_task(connection.execute("SELECT pg_sleep(600)"))
        pid = connection.info.backend_pid
        await until_backend(database, pid, "wait_event = 'PgSleep'")
        with connect(database) as killer:
            killer.execute("SELECT pg_terminate_backend(%s)", [pid])
        with pytest.raises(psycopg.errors.AdminShutdown):
            await query


async def test_a_client_that_vanishes_leaves_no_backend(
    proxied: DatabaseAddress, database: DatabaseAddress
) -> None:
    async with asyncpg_connection(proxied) as connection:
        await connection.execute("BEGIN")
        pid = connection.get_server_pid()
        await until_backend(database, pid, "state = 'idle in transaction'")

    await until_backend(database, pid, "pid IS NULL")


async def test_a_server_that_refuses_resets_the_client(
    database: DatabaseAddress, janitor: Janitor
) -> None:
    with WireProxy(replace(database, port=1), janitor) as proxy:
        nowhere = proxy.address(database.database)
        for _ in range(2):
            with pytest.raises(psycopg.OperationalError):
                await psycopg_connection(nowhere)
        assert proxy.counts().sessions == 0
