"""Measures what a sync of the log is by itself: how long it takes, and how much of that is CPU.

The server tells how long its syncs took. A part of that is work of the kernel, which counts as CPU
of the server as well; what remains is waiting.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from outboxbench.harness.postgres.counters import process_cpu_seconds
from outboxbench.harness.postgres.server import connect
from outboxbench.harness.postgres.wal import wal_syncs
from outboxbench.results.cost import BareWalSync

if TYPE_CHECKING:
    import psycopg

    from outboxbench.harness.postgres.server import Server

COMMITS = 300

_COMMIT = "SELECT pg_logical_emit_message(true, 'outboxbench', '')"
_TELL = "SELECT pg_stat_force_next_flush()"


def bare_wal_sync(server: Server) -> BareWalSync:
    """Commit as little as can be, with waiting for the sync and without: the rest is the same."""
    with connect(server.address) as connection:
        for _ in range(COMMITS):
            connection.execute(_COMMIT)
        connection.execute(_TELL)
        syncs_before = wal_syncs(connection)
        synced_cpu_s = _cpu_of_commits(connection)
        connection.execute(_TELL)
        syncs = wal_syncs(connection) - syncs_before
        connection.execute("SET synchronous_commit = off")
        other_cpu_s = _cpu_of_commits(connection)
    return BareWalSync(
        time_us=syncs.time_us / syncs.count,
        server_cpu_us=None
        if synced_cpu_s is None or other_cpu_s is None
        else max(0.0, synced_cpu_s - other_cpu_s) * 1e6 / COMMITS,
    )


def _cpu_of_commits(connection: psycopg.Connection[Any]) -> float | None:
    pid = connection.info.backend_pid
    before_s = process_cpu_seconds(pid)
    for _ in range(COMMITS):
        connection.execute(_COMMIT)
    after_s = process_cpu_seconds(pid)
    return None if before_s is None or after_s is None else after_s - before_s
