"""Counts what commands take, through the wire proxy; how long that lasts is of no interest."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from outboxbench.harness.cost.commands import price_all
from outboxbench.harness.postgres import buffers, extensions, wal
from outboxbench.harness.postgres.server import connect, open_server
from outboxbench.harness.wire.proxy_process import WireProxy
from outboxbench.results.cost import CommandCounts

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import psycopg

    from outboxbench.harness.cost.answers import Measured
    from outboxbench.harness.cost.commands import CostObserver, Priced
    from outboxbench.harness.cost.plan import CostPlan, PlannedCommand
    from outboxbench.harness.cost.worker_process import CostWorker
    from outboxbench.harness.janitor import Janitor
    from outboxbench.harness.load.job import Job
    from outboxbench.harness.postgres.databases import Databases
    from outboxbench.harness.postgres.server import Server

SETTINGS = {
    # No count depends on when what is written reaches the disk.
    "fsync": "off",
    # After the checkpoint that cleans all blocks, the first change of each would write it whole,
    # and its record would be shorter for it.
    "full_page_writes": "off",
    # Who else writes would be counted.
    "autovacuum": "off",
    "bgwriter_lru_maxpages": "0",
}


@contextmanager
def counting_server(pg_bin: Path | None, janitor: Janitor) -> Iterator[Server]:
    """Start a server on which nothing but what is counted happens."""
    with open_server(None, pg_bin, janitor, SETTINGS) as server:
        yield server


def count_all(
    plan: CostPlan, server: Server, janitor: Janitor, observer: CostObserver
) -> dict[PlannedCommand, Priced[CommandCounts]]:
    """Count every command of the plan.

    Raises:
        CannotRun: a worker failed, or an operation was not `ok`.
    """
    with ExitStack() as stack:
        proxy = stack.enter_context(WireProxy(server.address, janitor))
        connection = stack.enter_context(connect(server.address))
        meter = CountingMeter(plan.counted_operations, proxy, connection)
        return price_all(plan, meter, server, janitor, observer, "counting")


class CountingMeter:
    """Reads the wire, the log and the buffers before and after the operations."""

    def __init__(
        self, operations: int, proxy: WireProxy, connection: psycopg.Connection[Any]
    ) -> None:
        self._operations = operations
        self._proxy = proxy
        self._connection = connection
        self._reads_wal = extensions.has_extension(connection, wal.EXTENSION)
        self._reads_buffers = extensions.has_extension(connection, buffers.EXTENSION)

    def measure(
        self, worker: CostWorker, job: Job, databases: Databases
    ) -> tuple[Measured, CommandCounts]:
        """Have the worker open the job, run its operations and close again."""
        database = job.settings.address.database
        through_proxy = replace(job.settings, address=self._proxy.address(database))
        worker.open(replace(job, settings=through_proxy))
        databases.checkpoint()
        dirty_before = self._dirty_blocks(database)
        position = wal.wal_position(self._connection)
        wire_before = self._proxy.counts()
        measured = worker.run(self._operations)
        wire = (self._proxy.counts() - wire_before).per_operation(self._operations)
        records, wal_bytes = self._written_since(position)
        dirty_after = self._dirty_blocks(database)
        worker.close()
        return measured, CommandCounts(
            round_trips=wire.round_trips,
            direction_changes=wire.direction_changes,
            statements=wire.statements,
            transactions=wire.transactions,
            commits=wire.commits,
            rollbacks=wire.rollbacks,
            frontend_messages=dict(wire.frontend_messages),
            backend_messages=dict(wire.backend_messages),
            frontend_bytes=wire.frontend_bytes,
            backend_bytes=wire.backend_bytes,
            wal_records=records,
            wal_bytes=wal_bytes,
            blocks_dirtied=None
            if dirty_before is None or dirty_after is None
            else (dirty_after - dirty_before) / self._operations,
        )

    def _written_since(self, position: str) -> tuple[float | None, float | None]:
        if not self._reads_wal:
            return None, None
        volume = wal.wal_between(self._connection, position, wal.wal_position(self._connection))
        return volume.records / self._operations, volume.bytes / self._operations

    def _dirty_blocks(self, database: str) -> int | None:
        return buffers.dirty_blocks(self._connection, database) if self._reads_buffers else None
