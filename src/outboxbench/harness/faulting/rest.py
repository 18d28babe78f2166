"""When a block has come to rest: its server answers, and nobody of it is in its database."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

import psycopg

from outboxbench.harness.errors import CannotRun
from outboxbench.harness.postgres.server import connect

if TYPE_CHECKING:
    from outboxbench.harness.faults.seat import Seat

_TIMEOUT_S: Final = 60.0
_POLL_S: Final = 0.02

# Whoever still is in the database when its clients are gone may yet commit.
_END_CLIENTS: Final = """
    SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid()
      AND backend_type = 'client backend'"""
_CLIENTS_LEFT: Final = """
    SELECT count(*) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid()
      AND backend_type = 'client backend'"""


def wait_until_at_rest(seat: Seat, *, after: str) -> None:
    """Wait until the final state can be read: the server answers, and nobody else is there.

    Raises:
        CannotRun: it takes too long after this fault.
    """
    deadline_s = time.monotonic() + _TIMEOUT_S
    while True:
        try:
            with connect(seat.address) as connection:
                connection.execute(_END_CLIENTS.encode())
                row = connection.execute(_CLIENTS_LEFT.encode()).fetchone()
                if row is not None and row[0] == 0:
                    return
        except psycopg.OperationalError:
            pass
        if time.monotonic() > deadline_s:
            raise CannotRun(
                f"the server does not come to rest {_TIMEOUT_S:g} s after {after}: "
                "see server.log in the run folder"
            )
        time.sleep(_POLL_S)
