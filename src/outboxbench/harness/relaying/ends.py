"""Tells whether relays have delivered all there is, asked of the database alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    import psycopg

_WAITS: Final = """
    SELECT EXISTS (SELECT FROM outbox WHERE delivered_at IS NULL AND audience > 0)"""

# Of a log nothing is marked, but what was delivered is confirmed. What handlers have committed
# since lies behind it, so both have to stand still: counted first, in a statement of its own.
_STORED: Final = "SELECT count(*) FROM outbox"
_WRITTEN: Final = "SELECT pg_current_wal_flush_lsn()"
_CONFIRMED: Final = """
    SELECT confirmed_flush_lsn >= CAST(%(written)s AS pg_lsn)
       AND NOT EXISTS (SELECT FROM relay_parked)
    FROM pg_replication_slots WHERE slot_name = current_database()"""


def table_is_delivered(connection: psycopg.Connection[Any]) -> bool:
    """Whether every message in the table is marked as delivered, or gone."""
    return not _value(connection, _WAITS)


def log_is_delivered(connection: psycopg.Connection[Any]) -> bool:
    """Whether everything in the log is confirmed, none of it parked, and nothing has come since."""
    stored = _value(connection, _STORED)
    written = _value(connection, _WRITTEN)
    return bool(
        _value(connection, _CONFIRMED, {"written": written})
        and _value(connection, _STORED) == stored
    )


def _value(
    connection: psycopg.Connection[Any], query: str, parameters: dict[str, Any] | None = None
) -> Any:
    row = connection.execute(query.encode(), parameters).fetchone()
    return None if row is None else row[0]
