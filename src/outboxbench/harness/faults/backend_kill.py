"""Connections of the strategies are ended by the server, as an administrator or a failover would.

The client learns of it with 57P01 in the middle of whatever it was doing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from outboxbench.harness.faults.fault import FaultKind
from outboxbench.harness.faults.probes import backends_of, end_backends, errands, wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from random import Random

    from outboxbench.harness.faults.fault import Evidence
    from outboxbench.harness.faults.probes import Backend
    from outboxbench.harness.faults.scene import Scene


class BackendKill:
    """`choose` picks the victims among the strategies' backends, which come the oldest first."""

    def __init__(
        self, scene: Scene, choose: Callable[[Sequence[Backend]], Sequence[Backend]]
    ) -> None:
        self._scene = scene
        self._choose = choose

    def inject(self) -> Evidence:
        """End the backends; nothing proves anything where there are none."""
        with errands(self._scene.address) as connection:
            wait_until(lambda: bool(backends_of(connection)))
            backends = backends_of(connection)
            gone = end_backends(connection, self._choose(backends)) if backends else []
        return {"pids_gone": gone} if gone else {}

    def heal(self) -> Evidence:
        """Do nothing: to connect again is the clients' business."""
        return {}


def _one(scene: Scene, chance: Random) -> BackendKill:
    return BackendKill(scene, lambda backends: [chance.choice(backends)])


def _all(scene: Scene, _chance: Random) -> BackendKill:
    return BackendKill(scene, lambda backends: backends)


BACKEND_KILL: Final = FaultKind(
    name="backend-kill",
    description="have the server end one connection of the strategy",
    reach="connections",
    lasts=False,
    depends_on_strategy=True,
    make=_one,
)
BACKEND_KILL_ALL: Final = FaultKind(
    name="backend-kill-all",
    description="have the server end every connection of the strategy at once",
    reach="connections",
    lasts=False,
    depends_on_strategy=True,
    make=_all,
)
