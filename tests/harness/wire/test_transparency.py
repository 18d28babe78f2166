"""Nothing that passes the proxy is changed, and how it is cut changes nothing that is counted."""

from __future__ import annotations

import io
from dataclasses import replace
from typing import TYPE_CHECKING

import asyncpg
import pytest
from tests.harness.wire.serving import Tap, serving

from outboxbench.harness.wire.proxy import Proxy
from outboxbench.harness.wire.relay import CHUNK_BYTES
from outboxbench.harness.wire.relays import Relays

if TYPE_CHECKING:
    from outboxbench.core.strategies.settings import DatabaseAddress
    from outboxbench.harness.wire.counts import WireCounts


async def connect(address: DatabaseAddress, port: int) -> asyncpg.Connection:
    return await asyncpg.connect(
        host="127.0.0.1",
        port=port,
        user=address.user,
        password=address.password,
        database=address.database,
        ssl="disable",
    )


async def talk(address: DatabaseAddress, port: int) -> None:
    """Say what makes the server send every kind of answer."""
    connection = await connect(address, port)
    try:
        await talk_over(connection)
    finally:
        await connection.close()


async def talk_over(connection: asyncpg.Connection) -> None:
    heard: list[str] = []
    await connection.add_listener("events", lambda *event: heard.append(event[-1]))
    async with connection.transaction():
        await connection.execute("CREATE TEMP TABLE item (id int PRIMARY KEY, name text)")
        await connection.copy_records_to_table("item", records=[(n, "x" * n) for n in range(50)])
        await connection.executemany(
            "INSERT INTO item VALUES ($1, $2)", [(n, "y") for n in range(50, 60)]
        )
    assert len(await connection.fetch("SELECT * FROM item WHERE id > $1", 9)) == 50
    with pytest.raises(asyncpg.DivisionByZeroError):
        await connection.fetchval("SELECT 1 / $1::int", 0)
    with pytest.raises(asyncpg.UndefinedTableError):
        await connection.fetchval("SELECT * FROM nosuch WHERE id = $1", 0)
    with pytest.raises(asyncpg.UniqueViolationError):
        await connection.copy_records_to_table("item", records=[(1, "again")])
    copy = io.BytesIO()
    await connection.copy_from_query("SELECT id FROM item", output=copy)
    assert copy.getvalue().count(b"\n") == 60
    await connection.execute("DO $$BEGIN RAISE NOTICE 'mind the gap'; END$$")
    await connection.execute("NOTIFY events, 'told'")
    assert heard == ["told"]


async def counts_of_talk(address: DatabaseAddress, chunk_bytes: int) -> WireCounts:
    relays = Relays(chunk_bytes=chunk_bytes)
    async with (
        Tap(address.host, address.port) as far,
        serving(Proxy("127.0.0.1", far.port, relays.join)) as proxy,
        Tap("127.0.0.1", proxy.port) as near,
    ):
        await talk(address, near.port)
    assert far.sent == near.sent
    assert far.received == near.received
    counts = relays.counts()
    assert counts.startup_frontend_bytes + counts.frontend_bytes == len(near.sent)
    assert counts.startup_backend_bytes + counts.backend_bytes == len(near.received)
    return counts


def without_bytes(counts: WireCounts) -> WireCounts:
    return replace(counts, frontend_bytes=0, backend_bytes=0)


@pytest.mark.filterwarnings("ignore:.*active connection listeners:asyncpg.InterfaceWarning")
@pytest.mark.parametrize("chunk_bytes", [1, 2, 5, 61, 1021])
async def test_a_session_is_the_same_however_it_is_cut(
    chunk_bytes: int, database: DatabaseAddress
) -> None:
    in_one_piece = await counts_of_talk(database, CHUNK_BYTES)
    in_pieces = await counts_of_talk(database, chunk_bytes)

    # A statement's name at asyncpg, and that of a temporary schema, hold a number that grows.
    assert without_bytes(in_pieces) == without_bytes(in_one_piece)
    assert in_pieces.sessions == 1
    assert in_pieces.statements > in_pieces.round_trips > 10


async def test_a_snapshot_has_the_startup_by_itself(database: DatabaseAddress) -> None:
    relays = Relays()
    async with serving(Proxy(database.host, database.port, relays.join)) as proxy:
        connection = await connect(database, proxy.port)
        started = relays.counts()
        await connection.execute("SELECT 1")
        worked = relays.counts() - started
        await connection.close()

    assert started == replace(started, round_trips=0, frontend_bytes=0, backend_bytes=0)
    assert started.sessions == 1
    assert started.startup_frontend_bytes > 0
    assert started.startup_backend_bytes > 0
    assert worked.frontend_bytes == len(b"Q____SELECT 1_")
    assert worked.startup_frontend_bytes == worked.startup_backend_bytes == 0
