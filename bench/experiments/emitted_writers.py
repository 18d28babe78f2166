"""Clients of `emitted.py` that charge accounts, and what that leaves in the log."""

from __future__ import annotations

import os
import re
import subprocess
from dataclasses import dataclass
from importlib import resources
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Final

from emitted_database import Kind, fresh_database
from outboxbench.core.replication.transactions import TransactionReader
from outboxbench.harness.load.command_mix import HIGHEST_CHARGE_CENTS
from outboxbench.harness.postgres import wal
from outboxbench.harness.postgres.extensions import has_extension
from outboxbench.harness.postgres.server import connect
from outboxbench.harness.suite.model import DatasetSize
from outboxbench.harness.suite.template import prepare_template
from outboxbench.results.block import Check

if TYPE_CHECKING:
    from uuid import UUID

    from psycopg import Connection

    from outboxbench.core.strategies.settings import DatabaseAddress
    from outboxbench.harness.postgres.databases import Databases
    from outboxbench.harness.postgres.server import Server

ACCOUNTS: Final = 10_000
SEEDED_VERSION: Final = 2
"""The version that every account has before the writers come."""

# In place of the statement that stores the message; all else of the transaction stays as it is.
EMIT = """\
SELECT pg_logical_emit_message(true, 'outbox', jsonb_build_object(
    'op_id', gen_random_uuid(), 'ordinal', 0, 'aggregate_type', 'account',
    'aggregate_id', :id::uuid, 'version', :next_version::integer, 'topic', 'account.charged',
    'audience', 1, 'state', jsonb_build_object(
        'order_id', gen_random_uuid(), 'amount_cents', :amount_cents::bigint,
        'balance_cents', :new_balance_cents::bigint))::text);"""

LOGGED: Final = """
    SELECT data FROM pg_logical_slot_get_binary_changes(
        current_database(), NULL, NULL,
        'proto_version', '1', 'publication_names', 'outbox', 'messages', 'true')"""

OUTBOX_BYTES: Final = "SELECT pg_total_relation_size('outbox')"


@dataclass(frozen=True)
class Written:
    """What a block of writers did; sizes are by message."""

    per_s: float
    wal_bytes: float
    outbox_bytes: float
    checks: tuple[Check, ...]


class Writers:
    """Clients that charge accounts, each charge a durable transaction with one message."""

    def __init__(self, server: Server, databases: Databases, seconds: int) -> None:
        self._pgbench = str(server.binaries.path("pgbench"))
        self._databases = databases
        self._seconds = seconds
        self._numbers = count(1)
        databases.create_template(_prepare_accounts)

    def measure(self, kind: Kind, clients: int) -> Written:
        """Let so many clients write for one block, on a database of its own."""
        number = next(self._numbers)
        with (
            fresh_database(self._databases, f"{kind}_{number}") as (address, _),
            connect(address) as connection,
        ):
            self._databases.checkpoint()
            bytes_before = _value(connection, OUTBOX_BYTES)
            began = wal.wal_position(connection)
            transactions, per_s = self._run(address, kind, clients, number)
            volume = wal.wal_between(connection, began, wal.wal_position(connection))
            outbox_bytes = _value(connection, OUTBOX_BYTES) - bytes_before
            return Written(
                per_s,
                volume.bytes / transactions,
                outbox_bytes / transactions,
                (_judge_log(connection, transactions),),
            )

    def _run(
        self, address: DatabaseAddress, kind: Kind, clients: int, seed: int
    ) -> tuple[int, float]:
        with TemporaryDirectory() as folder:
            script = Path(folder) / "charge.sql"
            script.write_text(charge_script(kind), encoding="utf-8")
            done = subprocess.run(
                [
                    self._pgbench,
                    "--no-vacuum",
                    "--protocol=prepared",
                    f"--client={clients}",
                    f"--time={self._seconds}",
                    f"--random-seed={seed}",
                    f"--define=accounts={ACCOUNTS}",
                    f"--define=highest_charge_cents={HIGHEST_CHARGE_CENTS}",
                    f"--file={script}",
                    "--max-tries=10",
                    address.database,
                ],
                env={
                    **{name: text for name, text in os.environ.items() if name[:2] != "PG"},
                    "PGHOST": address.host,
                    "PGPORT": str(address.port),
                    "PGUSER": address.user,
                    "PGPASSWORD": address.password,
                },
                check=False,
                capture_output=True,
                text=True,
            )
        if done.returncode != 0:
            raise SystemExit(f"pgbench failed: {done.stderr.strip()}")
        (transactions,) = re.findall(
            r"^number of transactions actually processed: (\d+)", done.stdout, re.MULTILINE
        )
        (per_s,) = re.findall(r"^tps = ([0-9.]+) ", done.stdout, re.MULTILINE)
        return int(transactions), float(per_s)


def charge_script(kind: Kind) -> str:
    """Return what pgbench runs: a charge as strategies make it, its message stored or emitted."""
    packaged = resources.files("outboxbench.harness.load") / "pgbench/statements/charge.sql"
    stored = packaged.read_text(encoding="utf-8")
    if kind == "stored":
        return stored
    (insert,) = [line for line in stored.splitlines() if line.startswith("INSERT INTO outbox ")]
    return stored.replace(insert, EMIT)


def _prepare_accounts(address: DatabaseAddress) -> None:
    prepare_template(address, DatasetSize(accounts=ACCOUNTS, orders=1))
    with connect(address) as connection:
        # What the accounts were seeded with has packed the indexes: the first messages would split
        # nearly every page, and a message would cost the more the fewer a block has.
        connection.execute("TRUNCATE outbox")
        if not has_extension(connection, wal.EXTENSION):
            raise SystemExit(f"the server lacks the extension {wal.EXTENSION}")


def _judge_log(connection: Connection[tuple[Any, ...]], transactions: int) -> Check:
    """Read the slot as a relay would: each commit brings the next version of its account."""
    reader = TransactionReader(lambda _: None)
    versions: dict[UUID, int] = {}
    found = misplaced = 0
    for (data,) in connection.execute(LOGGED):
        committed = reader.read(data)
        for message in committed.messages if committed else ():
            before = versions.get(message.aggregate_id, SEEDED_VERSION)
            misplaced += message.version != before + 1
            versions[message.aggregate_id] = message.version
            found += 1
    return Check.of(
        "each charge has left one message in the log, in order",
        passed=found == transactions and not misplaced,
        detail=f"{found} messages of {transactions} charges, {misplaced} out of order",
    )


def _value(connection: Connection[tuple[Any, ...]], query: str) -> int:
    row = connection.execute(query.encode()).fetchone()
    assert row is not None
    return int(row[0])
