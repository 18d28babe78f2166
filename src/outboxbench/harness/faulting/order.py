"""What a block under faults is to be: one strategy, one fault, and how they follow each other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from outboxbench.core.application.outbox import RelayPlan
    from outboxbench.harness.faults.fault import FaultKind
    from outboxbench.harness.load.job import Loop
    from outboxbench.harness.load.retrying import Retrying
    from outboxbench.harness.relaying.job import BrokerName, WakeUp


@dataclass(frozen=True, slots=True)
class Rhythm:
    """How the injections of a block follow each other, in seconds."""

    injections: int
    clean_s: float
    hold_s: float
    recovery_s: float

    @property
    def cycle_s(self) -> float:
        """From the beginning of one clean phase to that of the next."""
        return self.clean_s + self.hold_s + self.recovery_s


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
    """What to run: one strategy, one fault, again and again; with relays, if any."""

    name: str
    strategy: str
    loop: Loop
    mix: str
    clients: int
    workers: int
    rate_per_s: float
    max_wait_s: float
    retrying: Retrying
    kind: FaultKind
    rhythm: Rhythm
    busy_wait_us: float
    seed: str
    about: dict[str, Any]
    relaying: Relaying | None = None
