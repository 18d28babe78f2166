"""Extensions that come with PostgreSQL, but that not every installation has."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from psycopg import sql

if TYPE_CHECKING:
    import psycopg


def has_extension(connection: psycopg.Connection[Any], name: str) -> bool:
    """Create an extension in this database; return False where the server does not have it."""
    known = connection.execute("SELECT FROM pg_available_extensions WHERE name = %s", [name])
    if known.fetchone() is None:
        return False
    connection.execute(sql.SQL("CREATE EXTENSION IF NOT EXISTS {}").format(sql.Identifier(name)))
    return True
