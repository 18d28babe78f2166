"""A relay is killed in the middle of its deliveries.

What it has handed over was not settled, and waits for the end of its lease to be delivered again,
by another relay or by the one that the block starts in its place.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import psutil

from outboxbench.harness.faults.fault import FaultKind
from outboxbench.harness.faults.probes import wait_until
from outboxbench.harness.faults.process_choice import choose_process, stop_amid
from outboxbench.harness.postgres.process_tree import is_gone
from outboxbench.results.history import PID_GONE

if TYPE_CHECKING:
    from random import Random

    from outboxbench.harness.faults.fault import Evidence
    from outboxbench.harness.faults.scene import Scene


class RelayKill:
    """Kills one relay while it has messages in hand; after some time even if it has none."""

    def __init__(self, scene: Scene, chance: Random) -> None:
        self._scene = scene
        self._chance = chance

    def inject(self) -> Evidence:
        """Kill the relay, and return once it is gone."""
        relay = choose_process(self._scene.relays, self._chance)
        if relay is None:
            return {}
        try:
            cut = stop_amid(relay, lambda: self._scene.deliveries_under_way(relay.pid))
            relay.kill()
        except psutil.NoSuchProcess:
            return {}
        if cut is None or not wait_until(lambda: is_gone(relay)):
            return {}
        return {PID_GONE: relay.pid, "deliveries_cut": len(cut)}

    def heal(self) -> Evidence:
        """Do nothing: what is dead stays dead."""
        return {}


RELAY_KILL: Final = FaultKind(
    name="relay-kill",
    description="kill a relay process in the middle of its deliveries",
    reach="relays",
    lasts=False,
    depends_on_strategy=False,
    make=RelayKill,
)
