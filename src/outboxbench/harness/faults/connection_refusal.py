"""The server has no connection to spare, and refuses whoever asks for one (53300).

Every slot is taken by an idle connection of the harness. A limit of the database or the role would
be less trouble, and would leave other databases alone; but superusers are exempt from both, and on
a server of ours the strategies connect as its superuser. For the same reason the reserved slots are
taken too: they are reserved for the likes of them. So this reaches everybody on the server; what
the harness has open already, it keeps.

Connections that exist are not refused, and a pool that has enough of them would notice nothing: the
strategies' are ended, so that they have to ask anew. For the slots that become free by that the
harness stands in line before them: the first process of the server stands still meanwhile. Whoever
gets a slot back after all is ended again. Receivers of the log are left alone: their slots are
counted by themselves.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

import psycopg

from outboxbench.harness.errors import CannotRun
from outboxbench.harness.faults.background import Background
from outboxbench.harness.faults.fault import FaultKind
from outboxbench.harness.faults.probes import (
    backends_of,
    end_backends,
    open_session,
    wait_until,
)
from outboxbench.harness.faults.queued_connections import QueuedConnections, closed_door
from outboxbench.harness.faults.startup_probe import refusal_sqlstate
from outboxbench.harness.postgres.server import connect

if TYPE_CHECKING:
    from outboxbench.harness.faults.fault import Evidence
    from outboxbench.harness.faults.probes import Backend
    from outboxbench.harness.faults.scene import Scene

TOO_MANY_CONNECTIONS: Final = "53300"
# A slot that somebody gives back is taken that soon, without keeping the server busy.
PAUSE_S: Final = 0.05
LARGEST_BATCH: Final = 32
# A server with many slots takes a while to let so many in, under load above all.
SHUT_OUT_PATIENCE_S: Final = 30.0

_CONNECTED_SQL = "SELECT pid FROM pg_stat_activity WHERE pid = ANY(%s)"


class ConnectionRefusal:
    """Takes every slot that is free, or becomes free, until it is healed."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        self._held: list[psycopg.Connection[Any]] = []
        self._pids_gone: set[int] = set()
        self._are_shut_out = False
        self._is_healing = False
        self._background: Background | None = None

    def inject(self) -> Evidence:
        """Take the slots, and return once the strategies have no connection left."""
        cluster = self._scene.seat.cluster
        session = open_session(self._scene.address)
        # Its slot must not become free either.
        self._held.append(session)

        def shut_out() -> None:
            self._take_what_is_free()
            clients = _clients(session)
            if clients:
                with closed_door(cluster.postmaster_pid):
                    queued = QueuedConnections(self._scene.server.address, len(clients))
                    gone = end_backends(session, clients)
                self._held += queued.settle()
                self._pids_gone.update(gone)
            # Who was just being let in shows only now.
            self._are_shut_out = not clients

        background = self._background = Background(shut_out, PAUSE_S)
        background.start()
        took_effect = wait_until(
            lambda: (self._are_shut_out and self._is_refused()) or background.error is not None,
            SHUT_OUT_PATIENCE_S,
        )
        if background.error is not None:
            raise CannotRun(f"connections cannot be taken here: {background.error}")
        if not took_effect:
            return {}
        return {
            "sqlstate": TOO_MANY_CONNECTIONS,
            "connections_held": len(self._held),
            "pids_gone": sorted(self._pids_gone),
        }

    def heal(self) -> Evidence:
        """Give every slot back, and return once the server has them."""
        self._is_healing = True
        if self._background is not None:
            self._background.stop()
        pids = [connection.info.backend_pid for connection in self._held]
        while self._held:
            self._held.pop().close()
        if pids:
            wait_until(lambda: self._are_given_back(pids))
        return {}

    def _take_what_is_free(self) -> None:
        # One where there is none, which keeps the server from work; many at a time where there are.
        batch = 1
        while not self._is_healing:
            let_in = QueuedConnections(self._scene.server.address, batch).settle()
            self._held += let_in
            if len(let_in) < batch:
                return
            batch = min(2 * batch, LARGEST_BATCH)

    def _is_refused(self) -> bool:
        with suppress(OSError):
            return refusal_sqlstate(self._scene.address) == TOO_MANY_CONNECTIONS
        return False

    def _are_given_back(self, pids: list[int]) -> bool:
        try:
            refusal = refusal_sqlstate(self._scene.server.address)
        except OSError:
            # A server that is down has nobody connected to it.
            return True
        if refusal is not None:
            return False
        with suppress(psycopg.OperationalError), connect(self._scene.server.address) as connection:
            return not connection.execute(_CONNECTED_SQL, [pids]).fetchall()
        return False


def _clients(connection: psycopg.Connection[Any]) -> list[Backend]:
    return [each for each in backends_of(connection) if each.kind == "client backend"]


CONNECTION_REFUSAL: Final = FaultKind(
    name="connection-refusal",
    description="take every connection the server has, end the strategy's, and refuse new ones",
    reach="server",
    lasts=True,
    depends_on_strategy=True,
    takes_all_slots=True,
    make=lambda scene, _chance: ConnectionRefusal(scene),
)
