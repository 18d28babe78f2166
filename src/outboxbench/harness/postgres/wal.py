"""What went into the write-ahead log, read from the log itself, and how often it was synced."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import psycopg

EXTENSION = "pg_walinspect"

# The size of a record is told without its images of full pages. Left out is what the server writes
# about itself, and the images that hint bits may cause: these are no work of a transaction.
_VOLUME = """
    SELECT coalesce(sum(count), 0)::bigint, coalesce(sum(record_size), 0)::bigint
    FROM pg_get_wal_stats(%s, %s, per_record => true)
    WHERE "resource_manager/record_type" !~ '^(XLOG|Standby)/'
"""

# Log that nobody has flushed cannot be read: this writes a record behind it and waits for both.
_FLUSH = "SELECT pg_logical_emit_message(true, 'outboxbench', '')"

_SYNCS_BY_OBJECT = """
    SELECT sum(fsyncs)::bigint, sum(fsync_time)
    FROM pg_stat_io WHERE object = 'wal' AND backend_type = 'client backend'
"""
_SYNCS_OF_ALL = "SELECT wal_sync, wal_sync_time FROM pg_stat_wal"


@dataclass(frozen=True, slots=True)
class WalVolume:
    """Records and their bytes, without images of full pages."""

    records: int
    bytes: int


@dataclass(frozen=True, slots=True)
class WalSyncs:
    """How often the log was synced, and how long that took in all.

    A backend tells of its own at most once a second, and when it ends.
    """

    count: int
    time_us: float

    def __sub__(self, other: WalSyncs) -> WalSyncs:
        return WalSyncs(self.count - other.count, self.time_us - other.time_us)


def wal_position(connection: psycopg.Connection[Any]) -> str:
    """Return where the next record goes."""
    row = connection.execute("SELECT pg_current_wal_insert_lsn()").fetchone()
    assert row is not None
    return str(row[0])


def wal_between(connection: psycopg.Connection[Any], start: str, end: str) -> WalVolume:
    """Return what the log holds between two positions; needs the extension pg_walinspect."""
    connection.execute(_FLUSH)
    row = connection.execute(_VOLUME, (start, end)).fetchone()
    assert row is not None
    return WalVolume(*row)


def wal_syncs(connection: psycopg.Connection[Any]) -> WalSyncs:
    """Return the syncs so far, as far as they were told; their time needs track_wal_io_timing."""
    tells_by_object = connection.info.server_version >= 180_000
    query = _SYNCS_BY_OBJECT if tells_by_object else _SYNCS_OF_ALL
    row = connection.execute(query).fetchone()
    assert row is not None
    count, time_ms = row
    return WalSyncs(count, time_ms * 1000)
