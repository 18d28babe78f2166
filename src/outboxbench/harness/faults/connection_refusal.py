"""The server has no connection to spare, and refuses whoever asks for one (53300).

Every slot is taken by an idle connection of the harness. A limit of the database or the role would
be less trouble, and would leave other databases alone; but superusers are exempt from both, and on
a server of ours the strategies connect as its superuser. For the same reason the reserved slots are
taken too: they are reserved for the likes of them. So this reaches everybody on the server; what
the harness has open already, it keeps.

Connections that exist are not refused, and a pool that has enough of them would notice nothing: the
strategies' are ended, so that they have to ask anew. Whoever is quick enough to get a slot back is
ended again. Receivers of the log are left alone: their slots are counted by themselves.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

import psycopg

from outboxbench.harness.faults.background import Background
from outboxbench.harness.faults.fault import FaultKind
from outboxbench.harness.faults.probes import (
    backends_of,
    end_backends,
    errands,
    wait_until,
)
from outboxbench.harness.faults.startup_probe import refusal_sqlstate
from outboxbench.harness.postgres.server import connect

if TYPE_CHECKING:
    from outboxbench.harness.faults.fault import Evidence
    from outboxbench.harness.faults.scene import Scene

TOO_MANY_CONNECTIONS: Final = "53300"
# A slot that somebody gives back is taken that soon, without keeping the server busy.
PAUSE_S: Final = 0.05


class ConnectionRefusal:
    """Takes every slot that is free, or becomes free, until it is healed."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        self._held: list[psycopg.Connection[Any]] = []
        self._background: Background | None = None

    def inject(self) -> Evidence:
        """Take the slots, and return once the strategies have no connection left."""
        gone: list[int] = []
        with errands(self._scene.address) as connection:
            self._background = Background(self._take_what_is_free, PAUSE_S)
            self._background.start()

            def are_shut_out() -> bool:
                if not self._is_refused():
                    return False
                clients = [
                    each for each in backends_of(connection) if each.kind == "client backend"
                ]
                gone.extend(end_backends(connection, clients))
                return not clients

            wait_until(are_shut_out)
        # The slot of this errand is taken as well before the proof is.
        if not wait_until(self._is_refused):
            return {}
        return {
            "sqlstate": TOO_MANY_CONNECTIONS,
            "connections_held": len(self._held),
            "pids_gone": gone,
        }

    def heal(self) -> Evidence:
        """Give every slot back."""
        background, self._background = self._background, None
        if background is not None:
            background.stop()
        while self._held:
            self._held.pop().close()
        return {}

    def _take_what_is_free(self) -> None:
        with suppress(psycopg.OperationalError):
            while self._background is not None:
                self._held.append(connect(self._scene.server.address))

    def _is_refused(self) -> bool:
        with suppress(OSError):
            return refusal_sqlstate(self._scene.address) == TOO_MANY_CONNECTIONS
        return False


CONNECTION_REFUSAL: Final = FaultKind(
    name="connection-refusal",
    description="take every connection the server has, end the strategy's, and refuse new ones",
    reach="server",
    lasts=True,
    depends_on_strategy=True,
    make=lambda scene, _chance: ConnectionRefusal(scene),
)
