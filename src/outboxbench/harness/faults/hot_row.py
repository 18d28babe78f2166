"""Rows that many want at once: a session of the harness locks accounts over and over."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Final

import psycopg

from outboxbench.harness.errors import CannotRun
from outboxbench.harness.faults.account_rows import (
    lock_accounts,
    open_locking_session,
    seeded_accounts,
)
from outboxbench.harness.faults.background import Background
from outboxbench.harness.faults.fault import FaultKind
from outboxbench.harness.faults.probes import wait_until

if TYPE_CHECKING:
    from random import Random

    from outboxbench.harness.faults.fault import Evidence
    from outboxbench.harness.faults.scene import Scene

MOST_ACCOUNTS: Final = 100
HOLD_S: Final = 0.05
PAUSE_S: Final = 0.05
# Shorter than the server's default patience with deadlocks (1 s): where ours and a client's order
# of locking cross, it is ours that gives way.
LOCK_TIMEOUT_S: Final = 0.5

# pg_blocking_pids() stops the lock manager for a moment: it is asked only of who waits for a lock.
_WAITING_FOR_US_SQL = """
    SELECT pid
    FROM pg_stat_activity
    WHERE datname = current_database()
      AND CASE WHEN wait_event_type = 'Lock'
               THEN pg_backend_pid() = ANY(pg_blocking_pids(pid)) ELSE false END
"""


class HotRow:
    """Locks the same accounts again and again, for a moment each time."""

    def __init__(self, scene: Scene, chance: Random) -> None:
        self._scene = scene
        self._chance = chance
        self._session: psycopg.Connection[Any] | None = None
        self._background: Background | None = None
        self._locks_taken = 0
        self._waited: set[int] = set()

    def inject(self) -> Evidence:
        """Choose the accounts, and return once they have been locked for the first time."""
        session = open_locking_session(self._scene.address, LOCK_TIMEOUT_S)
        self._session = session
        accounts = seeded_accounts(session)
        # In the order that the clients would lock several in.
        chosen = sorted(self._chance.sample(accounts, min(MOST_ACCOUNTS, len(accounts))))

        def hold_for_a_moment() -> None:
            try:
                with session.transaction():
                    self._locks_taken += lock_accounts(session, chosen)
                    time.sleep(HOLD_S)
                    self._waited.update(pid for (pid,) in session.execute(_WAITING_FOR_US_SQL))
            except (psycopg.errors.LockNotAvailable, psycopg.errors.DeadlockDetected):
                return

        background = self._background = Background(hold_for_a_moment, PAUSE_S)
        background.start()
        took_effect = wait_until(lambda: self._locks_taken > 0 or background.error is not None)
        if background.error is not None:
            raise CannotRun(f"account rows cannot be locked here: {background.error}")
        return {"accounts": [f"{each}" for each in chosen]} if took_effect else {}

    def heal(self) -> Evidence:
        """Lock no more; tell how many locks were taken, and how many sessions waited for them."""
        background, self._background = self._background, None
        session, self._session = self._session, None
        if background is not None:
            background.stop()
        if session is not None:
            session.close()
        if background is None:
            return {}
        return {"locks_taken": self._locks_taken, "sessions_seen_waiting": len(self._waited)}


HOT_ROW: Final = FaultKind(
    name="hot-row",
    description=f"lock up to {MOST_ACCOUNTS} accounts for moments, again and again, until healed",
    reach="connections",
    lasts=True,
    depends_on_strategy=True,
    make=HotRow,
)
