"""Injects the faults of a block, one after the other, while its load goes on.

The phase of each injection against the clients is drawn, so that no strategy meets all of them at
the same point of its transactions. Between two injections the load goes on: clean, fault, recovery.
The kind of each is drawn as well where there are several.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from random import Random
from typing import TYPE_CHECKING, Any

from outboxbench.harness.faulting.evidence import relative
from outboxbench.harness.faulting.watching import watch_until
from outboxbench.harness.faults.drawn import in_turns
from outboxbench.harness.faults.scene import Scene
from outboxbench.results.history import FaultLine

if TYPE_CHECKING:
    from collections.abc import Sequence

    from outboxbench.harness.faulting.crew import Crew
    from outboxbench.harness.faulting.order import FaultOrder
    from outboxbench.harness.faulting.relay_crew import RelayCrew
    from outboxbench.harness.faulting.watching import Supervised
    from outboxbench.harness.faults.fault import Evidence, FaultKind
    from outboxbench.harness.faults.scene import Link
    from outboxbench.harness.faults.seat import Seat
    from outboxbench.harness.nats.server import NatsServer


@dataclass(frozen=True, slots=True)
class Injections:
    """All injections of a block.

    Args:
        order: what they are to be.
        seat: what they hit, prepared for the first.
        link: what the way of clients and relays leads over.
        broker: where relays publish; None if each has a broker in its own memory.
    """

    order: FaultOrder
    seat: Seat
    link: Link
    broker: NatsServer | None

    def run(self, crew: Crew, relays: Sequence[RelayCrew], began_ns: int) -> list[FaultLine]:
        """Let them follow each other in the order's rhythm; return what is known of each.

        Args:
            crew: the clients, who are at work.
            relays: those beside them, if there are any.
            began_ns: when the load began, by the monotonic clock; times returned are since then.

        Raises:
            CannotRun: a fault cannot be made to happen here.
        """
        rhythm = self.order.rhythm
        crews: tuple[Supervised, ...] = (crew, *relays)
        random = Random(f"{self.order.seed}/faults")  # noqa: S311 - a moment, no secret
        lines: list[FaultLine] = []
        healthy_since_ns = began_ns
        kinds = in_turns(self.order.kind, self.order.seed)
        for number, kind in zip(range(1, rhythm.injections + 1), kinds, strict=False):
            if lines and not rhythm.has_room((time.monotonic_ns() - began_ns) / 1e9):
                break
            watch_until(healthy_since_ns + round(rhythm.draw_clean_s(random) * 1e9), crews)
            before = self.seat.fall_behind(random)
            scene = self._scene(crew, relays)
            lines.append(self._one(number, kind, scene, crews, began_ns, before))
            watch_until(time.monotonic_ns() + round(rhythm.recovery_s * 1e9), crews)
            if self.order.is_drawn:
                # What black holes have swallowed would, over hours, take all of the server's
                # connections. Who is caught in there still has been seen to be.
                self.link.ask({"do": "forget"})
            if number < rhythm.injections:
                self.seat.prepare()
            healthy_since_ns = time.monotonic_ns()
        return lines

    def _scene(self, crew: Crew, relays: Sequence[RelayCrew]) -> Scene:
        scene = Scene(self.seat, self.link, crew.pids, broker=self.broker)
        for each in relays:
            scene = replace(scene, relays=each.pids, deliveries_under_way=each.deliveries_under_way)
        return scene

    def _one(
        self,
        number: int,
        kind: FaultKind,
        scene: Scene,
        crews: Sequence[Supervised],
        began_ns: int,
        before: Evidence,
    ) -> FaultLine:
        # Of its own, as some draw again and again for as long as they last.
        chance = Random(f"{self.order.seed}/faults/{number}")  # noqa: S311 - a choice, no secret
        fault = kind.make(scene, chance)
        evidence: dict[str, Any] = {}
        onset_ns = time.monotonic_ns()
        try:
            evidence.update(fault.inject())
            took_effect_ns = time.monotonic_ns()
            if kind.lasts:
                watch_until(took_effect_ns + round(self.order.rhythm.hold_s * 1e9), crews)
        finally:
            evidence.update(fault.heal())
        healed_ns = time.monotonic_ns()
        return FaultLine(
            number=number,
            fault=kind.name,
            onset_ns=onset_ns - began_ns,
            took_effect_ns=took_effect_ns - began_ns if evidence else None,
            healed_ns=healed_ns - began_ns,
            # What came before the onset proves nothing by itself.
            evidence=relative({**evidence, **before}, began_ns) if evidence else {},
        )
