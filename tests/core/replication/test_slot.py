"""The slot: made once, refused with a reason, and gone with its database."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

import pytest

from outboxbench.core.application.doorbell import Doorbell
from outboxbench.core.replication.opening import open_log_outbox
from outboxbench.core.strategies.settings import StrategySettings
from outboxbench.harness.errors import CannotRun
from outboxbench.harness.postgres.server import connect
from outboxbench.harness.relay_database import prepare_database

if TYPE_CHECKING:
    from outboxbench.core.strategies.settings import DatabaseAddress
    from outboxbench.harness.postgres.databases import Databases
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
