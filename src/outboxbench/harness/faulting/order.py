"""What a block under faults is to be: one strategy, its faults, and how they follow each other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Self

from outboxbench.harness.faults.drawn import DrawnKinds

if TYPE_CHECKING:
    from random import Random

    from outboxbench.core.application.outbox import RelayPlan
    from outboxbench.harness.environments.worker_environment import WorkerEnvironment
    from outboxbench.harness.faults.drawn import Kinds
    from outboxbench.harness.load.job import Loop
    from outboxbench.harness.load.retrying import Retrying
    from outboxbench.harness.relaying.job import BrokerName, WakeUp

_DRAWN_PART: Final = 0.25
"""Of a clean phase; drawn, so that the phase of what follows against the clients is too."""


@dataclass(frozen=True, slots=True)
class Rhythm:
    """How the injections of a block follow each other, in seconds.

    Of the `injections` those are left out that do not fit into `window_s`, if that is given.
    """

    injections: int
    clean_s: float
    hold_s: float
    recovery_s: float
    window_s: float | None = None

    @classmethod
    def filling(cls, window_s: float, clean_s: float, hold_s: float, recovery_s: float) -> Self:
        """Return one with as many injections as may fit into a window, but one at least.

        That is, if all of them are of a moment.
        """
        quickest_s = clean_s * (1 - _DRAWN_PART) + recovery_s
        return cls(max(1, int(window_s / quickest_s)), clean_s, hold_s, recovery_s, window_s)

    @property
    def cycle_s(self) -> float:
        """From the beginning of one clean phase to that of the next, at most.

        The time that it takes to heal comes on top.
        """
        return self.clean_s + self.hold_s + self.recovery_s

    def draw_clean_s(self, random: Random) -> float:
        """Return how long the next clean phase is to be."""
        return self.clean_s * (1 - random.random() * _DRAWN_PART)

    def has_room(self, passed_s: float) -> bool:
        """Tell whether another injection fits in, when so much of the block has passed."""
        return self.window_s is None or passed_s + self.cycle_s <= self.window_s


@dataclass(frozen=True, slots=True)
class Relaying:
    """The relays beside the clients of a block, of the same strategy.

    Each handles so many messages at a time, by `handlers`, and claims a `batch` of them at most.
    """

    relays: int
    plan: RelayPlan
    broker: BrokerName
    wake_up: WakeUp
    handlers: int
    batch: int
    lease_s: float


@dataclass(frozen=True, slots=True)
class FaultOrder:
    """What to run: one strategy, a fault again and again or several in turns; with relays, if any.

    Without a `rate_per_s` clients ask again as soon as they have an answer, which tells what they
    can do at most.
    Where faults come in turns, for hours maybe, it is watched how much memory everybody takes.
    """

    name: str
    strategy: str
    loop: Loop
    mix: str
    clients: int
    workers: int
    rate_per_s: float | None
    max_wait_s: float
    retrying: Retrying
    kind: Kinds
    rhythm: Rhythm
    busy_wait_us: float
    seed: str
    about: dict[str, Any]
    relaying: Relaying | None = None
    environment: WorkerEnvironment | None = None

    @property
    def is_drawn(self) -> bool:
        """Whether faults come in turns."""
        return isinstance(self.kind, DrawnKinds)
