"""The whole server is killed at once, as by a loss of power; it recovers when it is healed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from outboxbench.harness.faults.fault import FaultKind
from outboxbench.harness.faults.recovery import bring_back, log_line

if TYPE_CHECKING:
    from outboxbench.harness.faults.fault import Evidence
    from outboxbench.harness.faults.scene import Scene

RECOVERY_PHRASE: Final = "automatic recovery in progress"


class ServerCrash:
    """Nobody can connect until it is healed: then the server is started, and replays its log."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        self._is_down = False
        self._logged = 0

    def inject(self) -> Evidence:
        """Kill every process of the server."""
        cluster = self._scene.seat.cluster
        self._logged = len(cluster.log_text())
        self._is_down = True
        gone = cluster.crash()
        return {"pids_gone": list(gone)} if gone else {}

    def heal(self) -> Evidence:
        """Start the server again, and wait until it has recovered and answers."""
        if not self._is_down:
            return {}
        ready_ns = bring_back(self._scene)
        self._is_down = False
        line = log_line(self._scene.seat.cluster, RECOVERY_PHRASE, self._logged)
        return {"server_ready_monotonic_ns": ready_ns} | ({"log_line": line} if line else {})


SERVER_CRASH: Final = FaultKind(
    name="server-crash",
    description="kill every process of the server at once; start it again when healed",
    reach="server",
    lasts=True,
    depends_on_strategy=True,
    make=lambda scene, _chance: ServerCrash(scene),
    loses="what is not on disk",
)
