"""Deadlocks: two sessions of the harness lock the same two accounts in opposite orders.

Each round closes a circle, and the server ends one of the two after its `deadlock_timeout`, one
second by default. All that while a client that wants either account waits, and one that already
holds something that ours want may be the one that is ended.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
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
    from uuid import UUID

    from outboxbench.harness.faults.fault import Evidence
    from outboxbench.harness.faults.scene import Scene

PAUSE_S: Final = 0.01
# Longer than the server takes to find a deadlock, which otherwise would not be one; and so short
# that a round, which may wait that long three times over, ends while healing waits for it.
LOCK_TIMEOUT_S: Final = 3.0


class Deadlock:
    """Brings about one deadlock after the other, each over a pair of accounts drawn anew."""

    def __init__(self, scene: Scene, chance: Random) -> None:
        self._scene = scene
        self._chance = chance
        self._sessions: list[psycopg.Connection[Any]] = []
        self._background: Background | None = None
        self._deadlocks = 0

    def inject(self) -> Evidence:
        """Begin, and return once the server has resolved the first deadlock."""
        for _ in range(2):
            self._sessions.append(open_locking_session(self._scene.address, LOCK_TIMEOUT_S))
        one, other = self._sessions
        accounts = seeded_accounts(one)

        def cross() -> None:
            first, second = self._chance.sample(accounts, 2)
            try:
                # Which of the two the server ends is its choice: both are given up in any case.
                with (
                    one.transaction(force_rollback=True),
                    other.transaction(force_rollback=True),
                    ThreadPoolExecutor(max_workers=2) as pool,
                ):
                    lock_accounts(one, [first])
                    lock_accounts(other, [second])
                    self._deadlocks += sum(pool.map(_deadlocks, (one, other), (second, first)))
            except (psycopg.errors.LockNotAvailable, psycopg.errors.DeadlockDetected):
                return

        background = self._background = Background(cross, PAUSE_S)
        background.start()
        wait_until(lambda: self._deadlocks > 0 or background.error is not None)
        if background.error is not None:
            raise CannotRun(f"account rows cannot be locked here: {background.error}")
        return {"deadlocks_seen": self._deadlocks} if self._deadlocks else {}

    def heal(self) -> Evidence:
        """Lock no more; tell how many of our transactions the server ended with 40P01."""
        background, self._background = self._background, None
        sessions, self._sessions = self._sessions, []
        if background is not None:
            background.stop()
        for session in sessions:
            session.close()
        return {} if background is None else {"deadlocks_seen": self._deadlocks}


def _deadlocks(session: psycopg.Connection[Any], account: UUID) -> bool:
    try:
        lock_accounts(session, [account])
    except psycopg.errors.DeadlockDetected:
        return True
    return False


DEADLOCK: Final = FaultKind(
    name="deadlock",
    description="lock pairs of accounts in opposite orders from two sessions, until healed",
    reach="connections",
    lasts=True,
    depends_on_strategy=True,
    make=Deadlock,
)
