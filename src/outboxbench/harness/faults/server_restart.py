"""The server is shut down under load and started again at once, as for an upgrade."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING, Final

from outboxbench.harness.errors import CannotRun
from outboxbench.harness.faults.fault import FaultKind
from outboxbench.harness.faults.recovery import bring_back, log_line

if TYPE_CHECKING:
    from outboxbench.harness.faults.fault import Evidence
    from outboxbench.harness.faults.scene import Scene

SHUTDOWN_PHRASE: Final = "received fast shutdown request"


class ServerRestart:
    """Sessions are told that the server shuts down, and ended; what they had not committed is lost.

    Unlike after a crash nothing is left to heal: whoever restarts a server on purpose does not wait
    in between. Healing starts it only where injecting failed half-way.
    """

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        self._is_down = False

    def inject(self) -> Evidence:
        """Shut the server down, start it, and wait until it answers."""
        cluster = self._scene.seat.cluster
        logged = len(cluster.log_text())
        self._is_down = True
        try:
            cluster.shut_down()
        except subprocess.TimeoutExpired as error:
            raise CannotRun(
                f"the server did not shut down within {error.timeout:g} s: see its log"
            ) from error
        ready_ns = bring_back(self._scene)
        self._is_down = False
        line = log_line(cluster, SHUTDOWN_PHRASE, logged)
        if line is None:
            return {}
        return {"log_line": line, "server_ready_monotonic_ns": ready_ns}

    def heal(self) -> Evidence:
        """Start the server where it was left shut down."""
        if not self._is_down:
            return {}
        ready_ns = bring_back(self._scene)
        self._is_down = False
        return {"server_ready_monotonic_ns": ready_ns}


SERVER_RESTART: Final = FaultKind(
    name="server-restart",
    description="shut the server down in good order (fast) under load, and start it at once",
    reach="server",
    lasts=False,
    depends_on_strategy=True,
    make=lambda scene, _chance: ServerRestart(scene),
)
