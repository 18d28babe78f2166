"""A streaming standby: a copy of a running server that follows it, and can take its place."""

from __future__ import annotations

import os
import signal
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Final, Literal, NamedTuple, TypeAlias

import psycopg

from outboxbench.harness.errors import CannotRun
from outboxbench.harness.postgres.cluster import Cluster
from outboxbench.harness.postgres.postmaster import HOST
from outboxbench.harness.postgres.server import connect

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Any

    from outboxbench.harness.janitor import Janitor

Replication: TypeAlias = Literal["asynchronous", "synchronous"]
"""Whether a commit is acknowledged before the standby has it on disk, or only then."""

NAME: Final = "outboxbench_standby"
STREAM_PATIENCE_S: Final = 60.0
PROMOTION_PATIENCE_S: Final = 60
_POLL_S: Final = 0.01

_STANDBY_SETTINGS: Final = {
    # A copy is synced before it is used: all of it at once, not a thousand files one by one.
    "recovery_init_sync_method": "syncfs",
}

_FOLLOWS: Final = """
    SELECT sync_state FROM pg_stat_replication
    WHERE application_name = %s AND state = 'streaming' AND sync_state = ANY(%s)"""
_HAS: Final = """
    SELECT 1 FROM pg_stat_replication WHERE application_name = %s AND flush_lsn >= %s::pg_lsn"""
_ACKNOWLEDGED: Final = "SELECT pg_current_wal_flush_lsn()::text"
_AWAIT_STANDBY: Final = f"ALTER SYSTEM SET synchronous_standby_names = '{NAME}'"
_AWAIT_NOBODY: Final = "ALTER SYSTEM RESET synchronous_standby_names"
_RELOAD: Final = "SELECT pg_reload_conf()"
_SENDER: Final = "SELECT pid FROM pg_stat_replication WHERE application_name = %s"
_LAG_BYTES: Final = """
    SELECT pg_wal_lsn_diff(pg_current_wal_flush_lsn(), flush_lsn)::bigint
    FROM pg_stat_replication WHERE application_name = %s"""


class Lag(NamedTuple):
    """How far the standby was behind: since when, and by how much of what was on disk."""

    lag_ms: float
    lag_bytes: int


class Standby(Cluster):
    """Context manager around a standby of a running cluster, copied from it when it is entered.

    Its password is the primary's, and is in the environment of its processes alone: no file and no
    command line holds it. Once it is promoted it is a cluster like any other.

    Raises:
        CannotRun: the primary cannot be copied, or the standby not started.
    """

    def __init__(self, primary: Cluster, janitor: Janitor) -> None:
        source = primary.address
        conninfo = f"host={HOST} port={source.port} user={source.user} application_name={NAME}"
        settings = primary.settings | _STANDBY_SETTINGS | {"primary_conninfo": conninfo}
        super().__init__(primary.usable_binaries, janitor, settings)
        self._primary = source
        self._password = source.password
        self._variables = {"PGPASSWORD": source.password}
        self._is_awaited = False

    def follow(self, replication: Replication) -> None:
        """Wait until it has all that the primary has; a primary made synchronous then waits for it.

        Raises:
            CannotRun: it does not catch up.
        """
        states = ["sync"] if replication == "synchronous" else ["async", "sync"]
        with connect(self._primary) as connection:
            if replication == "synchronous":
                # Set only now, so that the copy does not bear it: promoted, it has no standby yet.
                self._is_awaited = True
                connection.execute(_AWAIT_STANDBY.encode())
                connection.execute(_RELOAD)
            self._wait_for(connection, _FOLLOWS, NAME, states)
            # What was acknowledged before without having been awaited.
            (place,) = _row(connection, _ACKNOWLEDGED)
            self._wait_for(connection, _HAS, NAME, place)

    def fall_behind(self, lag_s: float) -> Lag:
        """Have the primary send it nothing more for good, and let that go on for so long.

        What is under way still arrives, as with a standby that is busy.

        Raises:
            CannotRun: it does not follow the primary.
        """
        with connect(self._primary) as connection:
            (pid,) = _row(connection, _SENDER, NAME)
            began_s = time.monotonic()
            os.kill(pid, signal.SIGSTOP)
            time.sleep(lag_s)
            (lag_bytes,) = _row(connection, _LAG_BYTES, NAME)
            return Lag((time.monotonic() - began_s) * 1000, lag_bytes)

    def promote(self) -> None:
        """Have it become a primary, and return once it takes writes.

        Raises:
            CannotRun: it does not.
        """
        with connect(self.address) as connection:
            (promoted,) = _row(connection, "SELECT pg_promote(true, %s)", PROMOTION_PATIENCE_S)
        if not promoted:
            raise CannotRun(
                self._folder.failure(f"the standby was no primary after {PROMOTION_PATIENCE_S} s")
            )
        self._is_awaited = False

    def stop(self) -> None:
        """End it and remove its folder; a primary that waits for it does so no longer."""
        if self._is_awaited:
            # It may be gone: then nobody waits.
            with suppress(psycopg.OperationalError), connect(self._primary) as connection:
                connection.execute(_AWAIT_NOBODY)
                connection.execute(_RELOAD)
            self._is_awaited = False
        super().stop()

    def _make_data(self) -> None:
        command: list[str | Path] = [
            self.usable_binaries.path("pg_basebackup"),
            f"--pgdata={self.data_directory}",
            f"--host={self._primary.host}",
            f"--port={self._primary.port}",
            f"--username={self._primary.user}",
            "--no-password",
            "--checkpoint=fast",
            "--wal-method=stream",
            "--no-sync",
        ]
        self._folder.fill(command, self._variables)
        signal_file = self.data_directory / "standby.signal"
        signal_file.touch(mode=0o600)
        self._folder.hand_over(signal_file)

    def _wait_for(
        self, connection: psycopg.Connection[Any], query: str, *parameters: object
    ) -> None:
        deadline_s = time.monotonic() + STREAM_PATIENCE_S
        while connection.execute(query.encode(), parameters).fetchone() is None:
            if time.monotonic() > deadline_s:
                raise CannotRun(
                    self._folder.failure(f"the standby did not catch up in {STREAM_PATIENCE_S:g} s")
                )
            time.sleep(_POLL_S)


def _row(connection: psycopg.Connection[Any], query: str, *parameters: object) -> tuple[Any, ...]:
    row: tuple[Any, ...] | None = connection.execute(query.encode(), parameters).fetchone()
    if row is None:
        raise CannotRun("no standby follows the server: see server.log for what became of it")
    return row
