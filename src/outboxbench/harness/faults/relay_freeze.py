"""A relay stands still for longer than its lease, and goes on as if nothing had been.

Another relay has taken its messages over by then: whatever it still does with them is done twice,
and what it settles is refused, as its fencing token is an old one.
"""

from __future__ import annotations

import time
from contextlib import suppress
from typing import TYPE_CHECKING, Final

import psutil

from outboxbench.harness.faults.fault import FaultKind
from outboxbench.harness.faults.process_choice import choose_process, stop_amid
from outboxbench.results.history import MESSAGES_HELD, PID_STILL

if TYPE_CHECKING:
    from random import Random

    from outboxbench.harness.faults.fault import Evidence
    from outboxbench.harness.faults.scene import Scene


class RelayFreeze:
    """Stops one relay amid its deliveries. That it outlasts the lease is up to whoever heals it."""

    def __init__(self, scene: Scene, chance: Random) -> None:
        self._scene = scene
        self._chance = chance
        self._relay: psutil.Process | None = None
        self._since_s = 0.0

    def inject(self) -> Evidence:
        """Stop the relay, and return once it stands still."""
        relay = choose_process(self._scene.relays, self._chance)
        if relay is None:
            return {}
        self._relay = relay
        held = stop_amid(relay, lambda: self._scene.deliveries_under_way(relay.pid))
        if held is None:
            return {}
        self._since_s = time.monotonic()
        return {PID_STILL: relay.pid, "deliveries_held": len(held), MESSAGES_HELD: list(held)}

    def heal(self) -> Evidence:
        """Let the relay go on; tell for how long it stood still, if it did until now."""
        relay, self._relay = self._relay, None
        if relay is None:
            return {}
        with suppress(psutil.NoSuchProcess):
            was_still = relay.status() == psutil.STATUS_STOPPED
            # Looked at before: by the time of the return it may have done something already.
            until_ns = time.monotonic_ns()
            relay.resume()
            if was_still and self._since_s:
                return {
                    "still_for_s": until_ns / 1e9 - self._since_s,
                    "still_until_monotonic_ns": until_ns,
                }
        return {}


RELAY_FREEZE: Final = FaultKind(
    name="relay-freeze",
    description="have a relay process stand still, past its lease, until healed",
    reach="relays",
    lasts=True,
    depends_on_strategy=False,
    make=RelayFreeze,
)
