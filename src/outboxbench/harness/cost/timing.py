"""Times commands on a durable server, with nothing between client and server."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from outboxbench.analysis.time_split import Timings
from outboxbench.harness.cost.bare_round_trip import bare_round_trip, usual_round_trip
from outboxbench.harness.cost.bare_wal_sync import bare_wal_sync
from outboxbench.harness.cost.commands import Priced, price_all
from outboxbench.harness.cost.plan import TIMED_ROUNDS
from outboxbench.harness.postgres.counters import cpu_between, server_cpu_seconds
from outboxbench.harness.postgres.final_state import wait_until_unused
from outboxbench.harness.postgres.server import connect, open_server
from outboxbench.harness.postgres.wal import wal_syncs

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    import psycopg

    from outboxbench.harness.cost.answers import Measured
    from outboxbench.harness.cost.commands import CostObserver
    from outboxbench.harness.cost.plan import CostPlan, PlannedCommand
    from outboxbench.harness.cost.worker_process import CostWorker
    from outboxbench.harness.janitor import Janitor
    from outboxbench.harness.load.job import Job
    from outboxbench.harness.postgres.databases import Databases
    from outboxbench.harness.postgres.server import Server
    from outboxbench.results.cost import BareRoundTrip, BareWalSync

SETTINGS = {
    "track_wal_io_timing": "on",
    # Its CPU would be counted.
    "autovacuum": "off",
}


@contextmanager
def timing_server(pg_bin: Path | None, janitor: Janitor) -> Iterator[Server]:
    """Start a server that is as durable as those of a suite."""
    with open_server(None, pg_bin, janitor, SETTINGS) as server:
        yield server


@dataclass(frozen=True, slots=True)
class Timed:
    """The times of every command, and those of what is bare on the same server."""

    commands: Mapping[PlannedCommand, Priced[Timings]]
    round_trip: BareRoundTrip
    wal_sync: BareWalSync


def time_all(
    plan: CostPlan, operations: int, server: Server, janitor: Janitor, observer: CostObserver
) -> Timed:
    """Time every command of the plan in several rounds, and return each one's median round.

    All figures of a command are those of one round, so that they belong together.

    Raises:
        CannotRun: a worker failed, or an operation was not `ok`.
    """
    wal_sync = bare_wal_sync(server)
    with connect(server.address) as connection:
        meter = TimingMeter(operations, server, connection)
        rounds = [
            price_all(plan, meter, server, janitor, observer, f"timing, round {number}:")
            for number in range(1, TIMED_ROUNDS + 1)
        ]
    return Timed(
        commands={
            command: _median([timings[command] for timings in rounds]) for command in rounds[0]
        },
        round_trip=usual_round_trip(meter.round_trips),
        wal_sync=wal_sync,
    )


def _median(rounds: list[Priced[Timings]]) -> Priced[Timings]:
    ranked = sorted(rounds, key=lambda priced: priced.figures.wall_us)
    median = ranked[len(ranked) // 2]
    return Priced(median.figures, tuple(check for priced in rounds for check in priced.checks))


class TimingMeter:
    """Reads the clocks around the operations, and what the server tells of its syncs."""

    def __init__(
        self, operations: int, server: Server, connection: psycopg.Connection[Any]
    ) -> None:
        self._operations = operations
        self._server = server
        self._connection = connection
        self.round_trips: list[BareRoundTrip] = []

    def measure(
        self,
        worker: CostWorker,
        job: Job,
        databases: Databases,  # noqa: ARG002 - a checkpoint would cost the first who change a block
    ) -> tuple[Measured, Timings]:
        """Have the worker open the job, run its operations and close again."""
        self.round_trips.append(bare_round_trip(self._server))
        syncs_before = wal_syncs(self._connection)
        worker.open(job)
        server_before = server_cpu_seconds(self._server.postmaster_pid)
        measured = worker.run(self._operations)
        server_after = server_cpu_seconds(self._server.postmaster_pid)
        worker.close()
        # A backend tells of its last syncs when it ends, so those of the warm-up are among them.
        wait_until_unused(job.settings.address)
        syncs = wal_syncs(self._connection) - syncs_before
        committed = sum(measured.committed.values())
        server_cpu_s = cpu_between(server_before, server_after)
        return measured, Timings(
            wall_us=measured.wall_ns / 1000 / self._operations,
            client_cpu_us=measured.client_cpu_ns / 1000 / self._operations,
            server_cpu_us=None if server_cpu_s is None else server_cpu_s * 1e6 / self._operations,
            wal_syncs=syncs.count / committed,
            wal_sync_time_us=syncs.time_us / committed,
        )
