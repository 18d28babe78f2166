"""The primary dies and its standby takes its place, and commits may be lost.

From the kill until it is healed nobody serves: so long it takes to notice, in real life. Healing
promotes the standby, and only once that takes writes are clients sent there, or find it among the
hosts that they know. Just before the onset the standby falls behind, as a busy one does; the seat
sees to that, and to how clients get there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from outboxbench.harness.errors import CannotRun
from outboxbench.harness.faults.fault import FaultKind
from outboxbench.harness.faults.probes import wait_until_answers
from outboxbench.harness.faults.seat import ReplicatedSeat

if TYPE_CHECKING:
    from outboxbench.harness.faults.fault import Evidence
    from outboxbench.harness.faults.scene import Scene


class Failover:
    """Nobody can connect until it is healed: then the standby is the primary."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        self._is_down = False

    def inject(self) -> Evidence:
        """Kill every process of the primary."""
        seat = self._seat()
        self._is_down = True
        gone = seat.take_down()
        return {"pids_gone": list(gone)} if gone else {}

    def heal(self) -> Evidence:
        """Promote the standby, and wait until it takes writes."""
        if not self._is_down:
            return {}
        seat = self._seat()
        seat.promote()
        self._is_down = False
        return {"server_ready_monotonic_ns": wait_until_answers(seat.address)}

    def _seat(self) -> ReplicatedSeat:
        if not isinstance(self._scene.seat, ReplicatedSeat):
            raise CannotRun("the server has no standby that could take its place")
        return self._scene.seat


FAILOVER_ASYNC: Final = FaultKind(
    name="failover-async",
    description="kill the primary; promote its standby, which may lack the latest commits",
    reach="server",
    lasts=True,
    depends_on_strategy=True,
    make=lambda scene, _chance: Failover(scene),
    replication="asynchronous",
    loses="what is not on the standby",
)
FAILOVER_SYNC: Final = FaultKind(
    name="failover-sync",
    description="kill the primary; promote its standby, which every commit has waited for",
    reach="server",
    lasts=True,
    depends_on_strategy=True,
    make=lambda scene, _chance: Failover(scene),
    replication="synchronous",
)
