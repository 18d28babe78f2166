"""The relay of `emitted.py` that delivers a backlog from the log, and what is checked of it."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Final

from emitted_database import Kind, fresh_database
from outboxbench.analysis.relay_checks import duplicates, judge_deliveries
from outboxbench.core.strategies.rows import schema_sql
from outboxbench.core.strategies.settings import StrategySettings
from outboxbench.harness.postgres.server import connect
from outboxbench.harness.relaying.backlog import Backlog, fill
from outboxbench.harness.relaying.due import due_messages, received
from outboxbench.harness.relaying.job import BrokerAddress, RelayJob
from outboxbench.harness.relaying.process import RelayProcess
from outboxbench.harness.relaying.records import DELIVERY, read_records
from outboxbench.results.block import Check

if TYPE_CHECKING:
    from outboxbench.core.strategies.settings import DatabaseAddress
    from outboxbench.harness.janitor import Janitor
    from outboxbench.harness.postgres.databases import Databases
    from outboxbench.results.deliveries import MessageKey, Place

AGGREGATES: Final = 1_000
BATCH: Final = 500
LEASE_S: Final = 10.0
PATIENCE_S: Final = 600.0

# The messages of a backlog, from which both ways write the same, in the same order.
PLAN_BACKLOG: Final = """
    CREATE TABLE planned AS
    SELECT op_id, ordinal, aggregate_type, aggregate_id, version, topic, audience, state
    FROM outbox"""

WRITE_BACKLOG: Final = """
    CREATE PROCEDURE pg_temp.write_backlog(kind text)
    LANGUAGE plpgsql AS $$
    DECLARE
        message planned;
    BEGIN
        FOR message IN SELECT * FROM planned ORDER BY version, aggregate_id LOOP
            IF kind = 'stored' THEN
                INSERT INTO outbox (op_id, ordinal, aggregate_type, aggregate_id, version, topic,
                                    audience, state)
                VALUES (message.*);
            ELSE
                PERFORM pg_logical_emit_message(true, 'outbox', to_jsonb(message)::text);
            END IF;
            COMMIT;
        END LOOP;
    END $$"""


@dataclass(frozen=True)
class Drained:
    """What a relay did with a backlog."""

    per_s: float
    cpu_us: float
    checks: tuple[Check, ...]


class Drains:
    """A relay in a process of its own that delivers what has piled up in the log."""

    def __init__(self, databases: Databases, janitor: Janitor, messages: int) -> None:
        self._databases = databases
        self._janitor = janitor
        self._messages = messages
        self._numbers = count(1)
        self._due: dict[MessageKey, Place] = {}
        databases.create_template(self._prepare)

    def _prepare(self, address: DatabaseAddress) -> None:
        with connect(address) as connection:
            connection.execute(schema_sql())
            fill(connection, Backlog(self._messages, AGGREGATES))
            self._due = due_messages(connection, "-infinity")
            connection.execute(PLAN_BACKLOG)
            connection.execute("TRUNCATE outbox")
            connection.execute("VACUUM (ANALYZE, FREEZE) planned")

    def measure(self, kind: Kind) -> Drained:
        """Let the relay deliver a backlog whose messages were committed one by one."""
        name = f"{kind}_{next(self._numbers)}"
        with fresh_database(self._databases, name) as (address, server_major):
            with connect(address) as connection:
                connection.execute("SET synchronous_commit = off")
                connection.execute(WRITE_BACKLOG)
                connection.execute("CALL pg_temp.write_backlog(%s)", (kind,))
                # What was emitted leaves nothing to do; of what was stored nothing is left to
                # autovacuum, which would come while the relay is being timed.
                connection.execute("VACUUM (ANALYZE, FREEZE) outbox")
            self._databases.checkpoint()
            settings = StrategySettings(address, pool_size=4, server_major=server_major).for_relay(
                LEASE_S
            )
            return self._deliver(name, settings)

    def _deliver(self, name: str, settings: StrategySettings) -> Drained:
        with (
            TemporaryDirectory() as records,
            RelayProcess(name, "asyncpg", self._janitor) as relay,
        ):
            relay.prepare(
                RelayJob(
                    name=name,
                    settings=settings,
                    loop="uvloop",
                    plan="log",
                    broker=BrokerAddress("memory"),
                    batch=BATCH,
                    handlers=1,
                    busy_us=0.0,
                    wake_up="poll",
                    backlog=self._messages,
                    lease_s=LEASE_S,
                    records=records,
                )
            )
            relay.wait_until_ready()
            relay.go()
            relay.wait_until_settled(PATIENCE_S)
            result = relay.result()
            deliveries = received(
                self._due, read_records(Path(records) / f"{name}.deliveries", DELIVERY)
            )
        repeated = duplicates(deliveries)
        once = Check.of(
            "no message is delivered twice",
            passed=repeated == 0,
            detail=f"{repeated} deliveries of a message that had come before",
        )
        return Drained(
            self._messages / (result.ended_ns - result.began_ns) * 1e9,
            result.cpu_ns / 1e3 / self._messages,
            (*judge_deliveries(deliveries), once),
        )
