"""Connections that the server has ended, and whose end is slow to reach the clients.

The server takes its leave and closes each of them. What it says before passes; the end itself does
not, until it is healed. Clients so sit on sockets that are dead and do not look it: nothing is
refused, and nothing is answered any more.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from outboxbench.harness.faults.fault import FaultKind
from outboxbench.harness.faults.probes import backends_of, end_backends, errands, wait_until

if TYPE_CHECKING:
    from outboxbench.harness.faults.fault import Evidence
    from outboxbench.harness.faults.scene import Scene


class SlowClose:
    """Has the server end every connection of the strategy, and the proxy keep it to itself."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        self._gone: list[int] = []
        self._is_on = False

    def inject(self) -> Evidence:
        """End the backends; how many clients were not told is known only in the end."""
        with errands(self._scene.address) as connection:
            self._is_on = True
            self._scene.link.ask({"do": "slow-close"})
            wait_until(lambda: bool(backends_of(connection)))
            self._gone = end_backends(connection, backends_of(connection))
        return {}

    def heal(self) -> Evidence:
        """Tell the clients, which may connect again."""
        if not self._is_on:
            return {}
        answer = self._scene.link.ask({"do": "heal"})
        self._is_on = False
        withheld = answer.get("withheld_ends")
        return {"withheld_ends": withheld, "pids_gone": self._gone} if withheld else {}


SLOW_CLOSE: Final = FaultKind(
    name="slow-close",
    description="the server ends every connection, and its close comes through when healed",
    reach="connections",
    lasts=True,
    depends_on_strategy=True,
    make=lambda scene, _chance: SlowClose(scene),
)
