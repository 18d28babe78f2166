"""A session keeps an old snapshot, as a forgotten report does: no vacuum removes what it can see.

Dead versions of the rows that are written most pile up, and every reader walks past them.
"""

from __future__ import annotations

from contextlib import closing, suppress
from typing import TYPE_CHECKING, Any, Final

import psycopg

from outboxbench.harness.errors import CannotRun
from outboxbench.harness.faults.fault import FaultKind
from outboxbench.harness.faults.probes import errands, open_session

if TYPE_CHECKING:
    from outboxbench.harness.faults.fault import Evidence
    from outboxbench.harness.faults.scene import Scene

# Not every version of the server knows each of them.
_NO_TIMEOUTS_SQL = """
    SELECT set_config(name, '0', false)
    FROM pg_settings
    WHERE name IN ('idle_in_transaction_session_timeout', 'transaction_timeout')
"""
_XMIN_SQL = """
    SELECT backend_xmin::text, age(backend_xmin)
    FROM pg_stat_activity
    WHERE pid = %s AND backend_xmin IS NOT NULL
"""


class HeldXmin:
    """Holds one snapshot from `inject` to `heal`."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        self._session: psycopg.Connection[Any] | None = None

    def inject(self) -> Evidence:
        """Take the snapshot."""
        session = self._session = open_session(self._scene.address)
        session.execute(_NO_TIMEOUTS_SQL)
        session.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
        session.execute("SELECT 1")
        held = self._held(session)
        return {"pid": session.info.backend_pid, "backend_xmin": int(held[0])} if held else {}

    def heal(self) -> Evidence:
        """Let the snapshot go; tell how many transactions it had outlived, if it was still held."""
        session, self._session = self._session, None
        if session is None:
            return {}
        held = None
        with closing(session), suppress(CannotRun, psycopg.OperationalError):
            held = self._held(session)
            # The server would learn of a connection that is closed only a moment later.
            session.execute("ROLLBACK")
        return {"xids_outlived": held[1]} if held else {}

    def _held(self, session: psycopg.Connection[Any]) -> tuple[str, int] | None:
        # Within its own transaction a session would see the statistics of its beginning.
        with errands(self._scene.address) as connection:
            return connection.execute(_XMIN_SQL, [session.info.backend_pid]).fetchone()


HELD_XMIN: Final = FaultKind(
    name="held-xmin",
    description="keep a snapshot open, so that no dead row version is removed until healed",
    reach="connections",
    lasts=True,
    depends_on_strategy=False,
    make=lambda scene, _chance: HeldXmin(scene),
)
