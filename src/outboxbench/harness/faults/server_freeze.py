"""Every process of the server stands still, as on a host that is suspended or has lost its disk."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from outboxbench.harness.faults.fault import FaultKind
from outboxbench.harness.faults.probes import wait_until_answers

if TYPE_CHECKING:
    from outboxbench.harness.faults.fault import Evidence
    from outboxbench.harness.faults.scene import Scene


class ServerFreeze:
    """Connections stay open, and nobody is told anything: only a client's own patience ends."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        self._is_frozen = False

    def inject(self) -> Evidence:
        """Stop every process of the server where it stands."""
        cluster = self._scene.seat.cluster
        self._is_frozen = True
        still = cluster.freeze()
        # Without the first process the others are no server; and one that is not among those that
        # stand still would let new clients in.
        return {"pids_still": list(still)} if cluster.postmaster_pid in still else {}

    def heal(self) -> Evidence:
        """Let the server go on, and wait until it answers."""
        if not self._is_frozen:
            return {}
        self._scene.seat.cluster.thaw()
        ready_ns = wait_until_answers(self._scene.address)
        self._is_frozen = False
        return {"server_ready_monotonic_ns": ready_ns}


SERVER_FREEZE: Final = FaultKind(
    name="server-freeze",
    description="have every process of the server stand still; let it go on when healed",
    reach="server",
    lasts=True,
    depends_on_strategy=True,
    make=lambda scene, _chance: ServerFreeze(scene),
)
