"""Reads the server's report off an asyncpg exception, raw or wrapped by SQLAlchemy."""

from __future__ import annotations

import asyncpg

from outboxbench.core.strategies.server_report import ServerReport

DISCONNECTIONS = (asyncpg.InterfaceError, asyncpg.InternalClientError)
"""What asyncpg raises, without a SQLSTATE, on a connection that is gone."""


def report_of(error: BaseException) -> ServerReport | None:
    """Return the report, or None if the exception carries none."""
    if not isinstance(error, asyncpg.PostgresError) or error.sqlstate is None:
        return None
    # Only what came over the wire has a severity; asyncpg's own 08003 has none.
    severity = getattr(error, "severity_en", None) or getattr(error, "severity", None)
    return ServerReport(error.sqlstate, severity, getattr(error, "constraint_name", None))
