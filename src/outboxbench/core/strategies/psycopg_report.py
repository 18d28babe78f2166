"""Reads the server's report off a psycopg exception, raw or wrapped by SQLAlchemy."""

from __future__ import annotations

import psycopg

from outboxbench.core.strategies.server_report import ServerReport

DISCONNECTIONS = (psycopg.OperationalError, psycopg.InterfaceError)
"""What psycopg raises, without a SQLSTATE, on a connection that is gone."""


def report_of(error: BaseException) -> ServerReport | None:
    """Return the report, or None if the exception carries none."""
    if not isinstance(error, psycopg.Error) or error.sqlstate is None:
        return None
    return ServerReport(
        error.sqlstate,
        error.diag.severity_nonlocalized or error.diag.severity,
        error.diag.constraint_name,
    )
