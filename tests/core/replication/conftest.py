"""A server that lets its log be read, and an outbox of it for each test."""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

import pytest

from outboxbench.core.replication.opening import open_log_outbox
from outboxbench.core.strategies.settings import StrategySettings
from outboxbench.harness.postgres.server import connect
from outboxbench.harness.relay_database import prepare_database

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import psycopg

    from outboxbench.core.application.doorbell import Doorbell
    from outboxbench.core.replication.outbox import LogOutbox
    from outboxbench.core.strategies.settings import DatabaseAddress
    from outboxbench.harness.postgres.databases import Databases


@dataclass
class Log:
    """A database whose outbox is read from the log, and those who read it."""

    address: DatabaseAddress
    connection: psycopg.Connection[Any]
    outboxes: list[LogOutbox] = field(default_factory=list)
    observed: list[str] = field(default_factory=list)

    async def open(self, doorbell: Doorbell) -> LogOutbox:
        outbox = await open_log_outbox(
            StrategySettings(self.address), doorbell.ring, observe=self.observed.append
        )
        self.outboxes.append(outbox)
        return outbox

    def write(
        self,
        aggregate_id: UUID,
        version: int = 1,
        ordinal: int = 0,
        *,
        audience: int = 2,
        on: psycopg.Connection[Any] | None = None,
    ) -> None:
        """Write a message; it is committed, unless a transaction is open."""
        (on or self.connection).execute(
            "INSERT INTO outbox (op_id, ordinal, aggregate_type, aggregate_id, version, topic,"
            " audience, state) VALUES (%s, %s, 'order', %s, %s, 'order.changed', %s, %s)",
            (uuid4(), ordinal, aggregate_id, version, audience, json.dumps({"version": version})),
        )

    def value(self, query: str) -> Any:
        row = self.connection.execute(query.encode()).fetchone()
        assert row is not None
        return row[0]


@pytest.fixture
async def log(logical_databases: Databases) -> AsyncIterator[Log]:
    address = logical_databases.create(secrets.token_hex(4))
    prepare_database(address, "log", announces=False)
    log = Log(address, connect(address))
    yield log
    for outbox in log.outboxes:
        await outbox.close()
    log.connection.close()
    logical_databases.drop(address)
