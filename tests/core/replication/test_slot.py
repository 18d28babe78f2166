"""The slot: made once, refused with a reason, and gone with its database."""

from __future__ import annotations

import secrets
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest
from psycopg import sql

from outboxbench.core.application.doorbell import Doorbell
from outboxbench.core.application.outcome import PersistenceError
from outboxbench.core.replication.opening import open_log_outbox
from outboxbench.core.strategies.settings import StrategySettings
from outboxbench.harness.errors import CannotRun
from outboxbench.harness.postgres.databases import Databases
from outboxbench.harness.postgres.server import connect, open_server
from outboxbench.harness.relay_database import prepare_database

if TYPE_CHECKING:
    from collections.abc import Iterator

    import psycopg

    from outboxbench.core.strategies.settings import DatabaseAddress
    from outboxbench.harness.janitor import Janitor
    from outboxbench.harness.postgres.server import Server


async def test_a_database_that_is_dropped_leaves_no_slot_though_it_is_being_read(
    logical_databases: Databases, logical_server: Server
) -> None:
    read, unread = (logical_databases.create(secrets.token_hex(4)) for _ in range(2))
    for address in (read, unread):
        prepare_database(address, "log", announces=False)
    outbox = await open_log_outbox(StrategySettings(read), Doorbell().ring)
    try:
        await outbox.claim(1)
        for address in (read, unread):
            logical_databases.drop(address)
    finally:
        await outbox.close()
    with connect(logical_server.address) as connection:
        left = connection.execute("SELECT slot_name FROM pg_replication_slots").fetchall()
    assert not {read.database, unread.database} & {name for (name,) in left}


def test_a_server_that_logs_too_little_is_refused_with_what_to_do(
    database: DatabaseAddress,
) -> None:
    with pytest.raises(CannotRun, match="start the server with wal_level=logical"):
        prepare_database(database, "log", announces=False)


def test_a_role_that_may_not_replicate_is_refused_with_what_it_takes(
    logical_databases: Databases,
) -> None:
    address = logical_databases.create(secrets.token_hex(4))
    role = replace(address, user=f"plain_{secrets.token_hex(4)}", password=secrets.token_hex(16))
    name, password = sql.Identifier(role.user), sql.Literal(role.password)
    give = sql.SQL("ALTER DATABASE {} OWNER TO {}")
    database, owner = sql.Identifier(address.database), sql.Identifier(address.user)
    with connect(address) as connection:
        connection.execute(sql.SQL("CREATE ROLE {} LOGIN PASSWORD {}").format(name, password))
        try:
            connection.execute(give.format(database, name))
            with pytest.raises(CannotRun, match="it takes a role with REPLICATION"):
                prepare_database(role, "log", announces=False)
        finally:
            connection.execute(give.format(database, owner))
            connection.execute(sql.SQL("DROP OWNED BY {}; DROP ROLE {}").format(name, name))


@pytest.fixture
def stingy_databases(janitor: Janitor) -> Iterator[Databases]:
    """On a server that keeps hardly any log for a slot."""
    settings = {
        "wal_level": "logical",
        "max_slot_wal_keep_size": "1MB",
        "min_wal_size": "32MB",
        "max_wal_size": "64MB",
    }
    with (
        open_server(None, None, janitor, settings) as server,
        Databases(server, f"log{secrets.token_hex(4)}") as databases,
    ):
        yield databases


async def test_a_slot_that_lost_its_log_is_told_and_made_anew_with_all_that_waits(
    stingy_databases: Databases,
) -> None:
    address = stingy_databases.create(secrets.token_hex(4))
    prepare_database(address, "log", announces=False)
    order_id = uuid4()
    with connect(address) as connection:
        connection.execute(
            "INSERT INTO outbox (op_id, ordinal, aggregate_type, aggregate_id, version, topic,"
            " audience, state) VALUES (gen_random_uuid(), 0, 'order', %s, 1, 'a', 2, '{}')",
            (order_id,),
        )
        while _status(connection) != "lost":
            connection.execute("SELECT pg_logical_emit_message(false, 'padding', repeat('x', 9))")
            connection.execute("SELECT pg_switch_wal()")
            connection.execute("CHECKPOINT")
        with pytest.raises(CannotRun, match="has lost its log") as caught:
            prepare_database(address, "log", announces=False)
        assert f"pg_drop_replication_slot('{address.database}')" in str(caught.value)
        outbox = await open_log_outbox(StrategySettings(address), Doorbell().ring)
        try:
            with pytest.raises(PersistenceError, match="the log cannot be read"):
                await outbox.claim(10)
        finally:
            await outbox.close()

        connection.execute("SELECT pg_drop_replication_slot(%s)", (address.database,))
    prepare_database(address, "log", announces=False)
    outbox = await open_log_outbox(StrategySettings(address), Doorbell().ring)
    try:
        (run,) = await outbox.claim(10)
    finally:
        await outbox.close()
    assert run.aggregate_id == order_id


def _status(connection: psycopg.Connection[Any]) -> str | None:
    row = connection.execute(
        "SELECT wal_status FROM pg_replication_slots WHERE slot_name = current_database()"
    ).fetchone()
    return None if row is None else row[0]
