"""Which blocks of a database differ from what is on disk."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import psycopg

EXTENSION = "pg_buffercache"

_DIRTY = """
    SELECT count(*) FROM pg_buffercache
    WHERE isdirty AND reldatabase = (SELECT oid FROM pg_database WHERE datname = %s)
"""


def dirty_blocks(connection: psycopg.Connection[Any], database: str) -> int:
    """Return how many blocks a checkpoint would have to write; needs pg_buffercache."""
    row = connection.execute(_DIRTY, [database]).fetchone()
    assert row is not None
    count: int = row[0]
    return count
