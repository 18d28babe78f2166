"""Transactions that cannot be serialised: sessions of the harness change accounts at SERIALIZABLE.

All of them work on the same accounts, and each holds what it has changed for a moment. Whoever has
read one of those before that ends, and changes it afterwards, is refused with 40001: of the
sessions all but one in each round, and clients likewise where their transactions keep a snapshot,
at REPEATABLE READ or SERIALIZABLE. At READ COMMITTED they would merely wait.

What is written is what was there before, so that no balance and no version tells of it.
"""

from __future__ import annotations

import re
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
    from collections.abc import Callable, Sequence
    from random import Random
    from uuid import UUID

    from outboxbench.harness.faults.fault import Evidence
    from outboxbench.harness.faults.scene import Scene
    from outboxbench.harness.postgres.cluster import Cluster

SESSIONS: Final = 4
MOST_ACCOUNTS: Final = 100
HOLD_S: Final = 0.02
PAUSE_S: Final = 0.02
# Shorter than the server's default patience with deadlocks (1 s): where ours and a client's order
# of locking cross, it is ours that gives way.
LOCK_TIMEOUT_S: Final = 0.5

_TOUCH_SQL: Final = "UPDATE accounts SET version = version WHERE id = ANY(%s)"
# What every message of SQLSTATE 40001 has in common, behind the pid of the backend.
_REFUSAL: Final = re.compile(r"\[(\d+)\] ERROR:  could not serialize access")


class SerialisationStorm:
    """Changes the same accounts from several sessions, again and again."""

    def __init__(self, scene: Scene, chance: Random) -> None:
        self._scene = scene
        self._chance = chance
        self._sessions: list[psycopg.Connection[Any]] = []
        self._background: list[Background] = []
        # Of each session, as each has a thread of its own.
        self._commits = [0] * SESSIONS
        self._refusals = [0] * SESSIONS
        self._pids: set[int] = set()
        self._logged = 0

    def inject(self) -> Evidence:
        """Choose the accounts, and return once a session of ours was refused with 40001."""
        for _ in range(SESSIONS):
            session = open_locking_session(self._scene.address, LOCK_TIMEOUT_S)
            self._sessions.append(session)
            self._pids.add(session.info.backend_pid)
            session.isolation_level = psycopg.IsolationLevel.SERIALIZABLE
        accounts = seeded_accounts(self._sessions[0])
        # In the order that the clients would lock several in.
        chosen = sorted(self._chance.sample(accounts, min(MOST_ACCOUNTS, len(accounts))))
        cluster = self._scene.server.cluster
        self._logged = 0 if cluster is None else len(cluster.log_text())
        for number in range(SESSIONS):
            background = Background(self._step(number, chosen), PAUSE_S)
            self._background.append(background)
            background.start()
        wait_until(lambda: any(self._refusals) or self._error() is not None)
        if (error := self._error()) is not None:
            raise CannotRun(f"account rows cannot be changed here: {error}")
        return self._seen() if any(self._refusals) else {}

    def heal(self) -> Evidence:
        """Change no more; tell how often ours were refused, and clients if the log is ours."""
        background, self._background = self._background, []
        sessions, self._sessions = self._sessions, []
        for each in background:
            each.stop()
        for session in sessions:
            session.close()
        if not background or not any(self._refusals):
            return {}
        cluster = self._scene.server.cluster
        if cluster is None:
            return self._seen()
        return {**self._seen(), "refusals_of_others": _refusals(cluster, self._logged, self._pids)}

    def _step(self, number: int, chosen: Sequence[UUID]) -> Callable[[], None]:
        session = self._sessions[number]

        def change_for_a_moment() -> None:
            try:
                with session.transaction():
                    lock_accounts(session, chosen)
                    session.execute(_TOUCH_SQL, [chosen])
                    time.sleep(HOLD_S)
            except psycopg.errors.SerializationFailure:
                self._refusals[number] += 1
            except (psycopg.errors.LockNotAvailable, psycopg.errors.DeadlockDetected):
                return
            else:
                self._commits[number] += 1

        return change_for_a_moment

    def _error(self) -> Exception | None:
        return next((each.error for each in self._background if each.error is not None), None)

    def _seen(self) -> dict[str, Any]:
        return {"commits": sum(self._commits), "refusals_seen": sum(self._refusals)}


def _refusals(cluster: Cluster, since: int, ours: set[int]) -> int:
    """Return how many transactions of others the log says were refused after so many characters."""
    refused = _REFUSAL.findall(cluster.log_text(), since)
    return sum(int(pid) not in ours for pid in refused)


SERIALISATION_STORM: Final = FaultKind(
    name="serialisation-storm",
    description="change accounts from sessions that cannot be serialised, until healed",
    reach="connections",
    lasts=True,
    depends_on_strategy=True,
    make=SerialisationStorm,
    needs_snapshots=True,
)
