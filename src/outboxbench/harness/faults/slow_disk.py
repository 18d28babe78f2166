"""The disk takes long to sync, as far as that can be had without rights over the kernel.

The server itself delays: `commit_delay` has whoever is about to sync the log wait beforehand, with
the lock held that everybody else who wants to sync waits for. That is what a sync of that length
looks like to clients, the larger groups that then share one included. With `commit_siblings` at 0
it happens at every sync that a session makes. Reads, and writes other than of the log, are as fast
as ever, and commits that do not wait for the disk are not delayed.
"""

from __future__ import annotations

import statistics
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

import psycopg

from outboxbench.harness.errors import CannotRun
from outboxbench.harness.faults.fault import FaultKind
from outboxbench.harness.faults.probes import errands, wait_until
from outboxbench.harness.postgres.server import connect

if TYPE_CHECKING:
    from outboxbench.harness.faults.fault import Evidence
    from outboxbench.harness.faults.scene import Scene

DELAY_US: Final = 100_000
"""The most that the server allows."""
PROBE_COMMITS: Final = 5

_PROBE_COMMIT = "SELECT pg_logical_emit_message(true, 'outboxbench', '')"
_SETTING_SQL = "SELECT setting::integer FROM pg_settings WHERE name = 'commit_delay'"


class SlowDisk:
    """Every sync of the log takes `DELAY_US` longer until it is healed."""

    def __init__(self, scene: Scene) -> None:
        self._address = scene.address
        self._is_set = False

    def inject(self) -> Evidence:
        """Have the server delay, and measure a commit before and after."""
        with errands(self._address) as connection:
            before_s = _commit_s(connection)
            self._is_set = True
            try:
                connection.execute(f"ALTER SYSTEM SET commit_delay = {DELAY_US}")
                connection.execute("ALTER SYSTEM SET commit_siblings = 0")
                connection.execute("SELECT pg_reload_conf()")
            except psycopg.errors.InsufficientPrivilege as error:
                raise CannotRun(
                    "only a superuser may have the server delay its commits: name one in the DSN"
                ) from error
            wait_until(lambda: _delay_us(connection) == DELAY_US)
            during_s = _commit_s(connection)
        if during_s - before_s < DELAY_US / 1e6 / 2:
            return {}
        return {"commit_before_s": before_s, "commit_during_s": during_s}

    def heal(self) -> Evidence:
        """Let the server sync as it did, and return once a session knows of it."""
        if not self._is_set:
            return {}
        # A server that is down keeps what was set: it is healed by the next call.
        with suppress(psycopg.OperationalError):
            with connect(self._address) as connection:
                with suppress(psycopg.errors.InsufficientPrivilege):
                    connection.execute("ALTER SYSTEM RESET commit_delay")
                    connection.execute("ALTER SYSTEM RESET commit_siblings")
                    connection.execute("SELECT pg_reload_conf()")
                    wait_until(lambda: _delay_us(connection) != DELAY_US)
                after_s = _commit_s(connection)
            self._is_set = False
            return {"commit_after_s": after_s}
        return {}


def _commit_s(connection: psycopg.Connection[Any]) -> float:
    """Return how long a commit takes that waits for the disk, and does nothing else."""
    times_s = []
    for _ in range(PROBE_COMMITS):
        began_s = time.perf_counter()
        connection.execute(_PROBE_COMMIT)
        times_s.append(time.perf_counter() - began_s)
    return statistics.median(times_s)


def _delay_us(connection: psycopg.Connection[Any]) -> int:
    # The server tells all sessions at once, and each learns of it before its next command.
    ((setting,),) = connection.execute(_SETTING_SQL).fetchall()
    return int(setting)


SLOW_DISK: Final = FaultKind(
    name="slow-disk",
    description=f"have every sync of the log take {DELAY_US // 1000} ms longer, until healed",
    reach="server",
    lasts=True,
    depends_on_strategy=False,
    make=lambda scene, _chance: SlowDisk(scene),
)
