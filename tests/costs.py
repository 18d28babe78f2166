"""Made-up costs: figures that are easy to tell apart, and easy to change."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from outboxbench.results.cost import (
    BareRoundTrip,
    BareWalSync,
    CommandCost,
    CommandCounts,
    CommandTime,
    Costs,
)
from outboxbench.results.machine import Environment, Server

if TYPE_CHECKING:
    from outboxbench.results.document import Profile

MOMENT = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)

COUNTS = CommandCounts(
    round_trips=2,
    direction_changes=2,
    statements=2,
    transactions=2,
    commits=0,
    rollbacks=0,
    frontend_messages={"Bind": 2, "Execute": 2, "Flush": 1.5, "Sync": 2},
    backend_messages={"DataRow": 2, "ReadyForQuery": 2},
    frontend_bytes=1234.5,
    backend_bytes=190,
    wal_records=5.48,
    wal_bytes=606.38,
    blocks_dirtied=2.18,
)
TIME = CommandTime(
    wall_us=1000,
    server_executing_us=300,
    wal_sync_us=100,
    wire_us=80,
    client_executing_us=400,
    client_waiting_us=120,
    overlap_us=0,
    client_cpu_us=440,
    server_cpu_us=340,
    wal_syncs=1,
)


def command(
    strategy: str = "psycopg-single",
    workload: str = "charge",
    profile: Profile = "matched",
    counts: CommandCounts = COUNTS,
    time: CommandTime | None = TIME,
) -> CommandCost:
    return CommandCost(
        strategy=strategy,
        write_plan="single",
        driver="psycopg",
        profile=profile,
        workload=workload,
        counts=counts,
        time=time,
        verdict="pass",
        checks=(),
    )


def costs(*commands: CommandCost, server_version: str = "18.6") -> Costs:
    is_timed = any(each.time for each in commands)
    return Costs(
        command="outboxbench cost",
        started_at=MOMENT,
        finished_at=MOMENT,
        verdict="pass",
        environment=Environment(
            cpu_model=None,
            cores=2,
            memory_bytes=8_000_000_000,
            kernel="Linux 6.1",
            python="3.11.7",
            implementation="CPython",
            packages={},
            libpq=None,
            psycopg_implementation=None,
            data_filesystem=None,
        ),
        server=Server(version=server_version, origin="embedded", settings={}),
        counted_operations=100,
        timed_operations=200 if is_timed else None,
        timed_rounds=3 if is_timed else None,
        bare_round_trip=BareRoundTrip(wall_us=40, client_cpu_us=20, server_cpu_us=15)
        if is_timed
        else None,
        bare_wal_sync=BareWalSync(time_us=100, server_cpu_us=60) if is_timed else None,
        commands=commands,
    )
