"""What faults look at to prove that they took effect, or that they are over."""

from __future__ import annotations

import time
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import psycopg
from psycopg.rows import class_row

from outboxbench.harness.errors import CannotRun
from outboxbench.harness.postgres.server import connect

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from datetime import datetime

    from outboxbench.core.strategies.settings import DatabaseAddress

EFFECT_PATIENCE_S: Final = 10.0
"""How long what was asked for may take to show."""
RECOVERY_PATIENCE_S: Final = 120.0
"""How long a server may take to answer again; a long log is replayed first."""

_POLL_S = 0.005

# Workers of a parallel query have the application name of their leader, and end with it.
_BACKENDS_SQL = """
    SELECT pid, backend_start AS started, backend_type AS kind
    FROM pg_stat_activity
    WHERE datname = current_database()
      AND application_name = 'outboxbench'
      AND backend_type IN ('client backend', 'walsender')
    ORDER BY backend_start, pid
"""
_IN_TRANSACTION_SQL = """
    SELECT count(*)
    FROM pg_stat_activity
    WHERE datname = current_database()
      AND application_name = 'outboxbench'
      AND backend_type = 'client backend'
      AND state IN ('active', 'idle in transaction')
"""


@dataclass(frozen=True, slots=True)
class Backend:
    """A server process that serves a strategy. A pid alone may come again, a start does not."""

    pid: int
    started: datetime
    kind: str


def wait_until(condition: Callable[[], bool], patience_s: float = EFFECT_PATIENCE_S) -> bool:
    """Wait until the condition holds, and tell whether it came to that in time."""
    deadline_s = time.monotonic() + patience_s
    while not condition():
        if time.monotonic() > deadline_s:
            return False
        time.sleep(_POLL_S)
    return True


def wait_until_answers(address: DatabaseAddress) -> int:
    """Wait until a fresh connection has its query answered; return that `time.monotonic_ns()`.

    Raises:
        CannotRun: the server does not answer in time.
    """
    deadline_s = time.monotonic() + RECOVERY_PATIENCE_S
    while True:
        try:
            with connect(address) as connection:
                connection.execute("SELECT 1")
                return time.monotonic_ns()
        except psycopg.OperationalError as error:
            if time.monotonic() > deadline_s:
                raise CannotRun(
                    f"the server did not answer again within {RECOVERY_PATIENCE_S:g} s: "
                    "see its log for the reason"
                ) from error
        time.sleep(_POLL_S)


@contextmanager
def errands(address: DatabaseAddress) -> Iterator[psycopg.Connection[Any]]:
    """Open a connection to bring a fault about with, for as long as that takes.

    Raises:
        CannotRun: the server does not let us in, or ends the connection.
    """
    with closing(open_session(address)) as connection:
        try:
            yield connection
        except psycopg.OperationalError as error:
            raise _no_hold(error) from error


def open_session(address: DatabaseAddress) -> psycopg.Connection[Any]:
    """Return a connection for a fault that keeps it.

    Raises:
        CannotRun: the server does not let us in.
    """
    try:
        return connect(address)
    except psycopg.OperationalError as error:
        raise _no_hold(error) from error


def backends_of(connection: psycopg.Connection[Any]) -> list[Backend]:
    """Return the strategies' backends in the database connected to, the oldest first."""
    with connection.cursor(row_factory=class_row(Backend)) as cursor:
        return cursor.execute(_BACKENDS_SQL).fetchall()


def backends_in_transaction(connection: psycopg.Connection[Any]) -> int:
    """Return how many of the strategies' backends are in the middle of a transaction."""
    ((number,),) = connection.execute(_IN_TRANSACTION_SQL).fetchall()
    return int(number)


def end_backends(connection: psycopg.Connection[Any], victims: Iterable[Backend]) -> list[int]:
    """Have the server end the backends; return the pids of those that are gone."""
    victims = list(victims)
    connection.execute(
        "SELECT pg_terminate_backend(pid) FROM unnest(%s::integer[]) AS pid",
        [[victim.pid for victim in victims]],
    )
    wait_until(lambda: set(victims).isdisjoint(backends_of(connection)))
    remaining = set(backends_of(connection))
    return [victim.pid for victim in victims if victim not in remaining]


def _no_hold(error: psycopg.OperationalError) -> CannotRun:
    reason = f"{error}".strip().splitlines()[-1]
    return CannotRun(
        "the server does not serve the harness, so a fault has no hold on it: "
        f"see that it runs and has connections to spare ({reason})"
    )
