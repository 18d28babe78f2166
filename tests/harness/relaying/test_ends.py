"""A relay is through when nothing is left to deliver, and not a moment earlier."""

from __future__ import annotations

import json
import secrets
from typing import TYPE_CHECKING
from uuid import uuid4

from tests.waiting import until_answered

from outboxbench.core.application.outbox import Refusal, Settlement
from outboxbench.core.replication.opening import open_log_outbox
from outboxbench.core.strategies.settings import StrategySettings
from outboxbench.harness.postgres.server import connect
from outboxbench.harness.relay_database import prepare_database
from outboxbench.harness.relaying.ends import log_is_delivered, table_is_delivered

if TYPE_CHECKING:
    import psycopg

    from outboxbench.core.application.outbox import Run
    from outboxbench.core.strategies.settings import DatabaseAddress
    from outboxbench.harness.postgres.databases import Databases


def write(connection: psycopg.Connection[tuple[object, ...]], audience: int = 2) -> None:
    connection.execute(
        "INSERT INTO outbox (op_id, ordinal, aggregate_type, aggregate_id, version, topic,"
        " audience, state) VALUES (%s, 0, 'order', %s, 1, 'order.changed', %s, %s)",
        (uuid4(), uuid4(), audience, json.dumps({})),
    )


def test_a_table_is_delivered_once_nothing_in_it_waits(database: DatabaseAddress) -> None:
    prepare_database(database, "lease", announces=False)
    with connect(database) as connection:
        assert table_is_delivered(connection)
        write(connection, audience=0)
        assert table_is_delivered(connection)
        write(connection)
        assert not table_is_delivered(connection)
        connection.execute("UPDATE outbox SET delivered_at = now()")
        assert table_is_delivered(connection)


async def test_a_log_is_delivered_once_all_of_it_is_confirmed_and_nothing_is_parked(
    logical_databases: Databases,
) -> None:
    address = logical_databases.create(secrets.token_hex(4))
    prepare_database(address, "log", announces=False)
    outbox = await open_log_outbox(StrategySettings(address), lambda: None)
    runs: list[Run] = []

    async def has_claimed() -> bool:
        runs.extend(await outbox.claim(10))
        return bool(runs)

    with connect(address) as connection:

        async def is_delivered() -> bool:
            return log_is_delivered(connection)

        async def settle(refusal: Refusal | None) -> None:
            await until_answered(has_claimed)
            assert not log_is_delivered(connection)
            run = runs.pop()
            await outbox.settle([Settlement(run, 0 if refusal else len(run.messages), refusal)])

        try:
            write(connection)
            assert not log_is_delivered(connection)
            await settle(None)
            await until_answered(is_delivered)
            write(connection)
            assert not log_is_delivered(connection)
            await settle(Refusal("not yet", 1, retry_in_s=0.0))
            await settle(None)
            await until_answered(is_delivered)
        finally:
            await outbox.close()
