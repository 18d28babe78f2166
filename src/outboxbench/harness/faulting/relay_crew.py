"""The relay processes of a block, beside its clients: whoever is gone is replaced."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from outboxbench.harness.faulting.delivery_journal import deliveries_under_way
from outboxbench.harness.faulting.job import FaultRelayJob
from outboxbench.harness.faulting.process import MemberProcess
from outboxbench.harness.nats.server import USER
from outboxbench.harness.pinning import pin
from outboxbench.harness.relaying.job import BrokerAddress
from outboxbench.results.history import RelayLine

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from outboxbench.core.strategies.settings import StrategySettings
    from outboxbench.harness.faulting.order import FaultOrder, Relaying
    from outboxbench.harness.janitor import Janitor
    from outboxbench.harness.nats.server import NatsServer
    from outboxbench.results.machine import Pinning

RELAY_MODULE: Final = "outboxbench.harness.faulting.relay_worker"
OWN_CONNECTIONS: Final = 2
"""Of a relay, beside one for each handler."""

_GRACE_S: Final = 15.0
"""For what is on its way when a relay is told to stop."""


@dataclass(slots=True)
class RelayCrew:
    """All relays of a block.

    Args:
        order: whose relays they are.
        relaying: how they work.
        settings: how they reach the database.
        broker: where they publish; None if each has one in its own memory.
        journals: the folder for their records.
        janitor: ends them should the harness be gone first.
        pinning: where they run.
    """

    order: FaultOrder
    relaying: Relaying
    settings: StrategySettings
    broker: NatsServer | None
    journals: Path
    janitor: Janitor
    pinning: Pinning
    _members: list[MemberProcess] = field(default_factory=list)
    _numbers: dict[int, int] = field(default_factory=dict)
    _started: int = 0

    @property
    def pids(self) -> tuple[int, ...]:
        """Who is there now."""
        return tuple(member.pid for member in self._members)

    def deliveries_under_way(self, pid: int) -> Sequence[str]:
        """Return the ids of what a relay has in hand, or had when it was killed."""
        return deliveries_under_way(self.journals, self._numbers[pid])

    def start(self) -> None:
        """Start everybody, and have them deliver as soon as they can, without waiting for them."""
        self._members.extend(self._new() for _ in range(self.relaying.relays))

    def wait_until_ready(self) -> None:
        """Wait until everybody is connected.

        Raises:
            CannotRun: somebody cannot connect.
        """
        for member in self._members:
            member.wait_until_ready()

    def replace_gone(self) -> None:
        """Replace whoever is gone, as a supervisor would."""
        for place, member in enumerate(self._members):
            if not member.is_running:
                member.end()
                self._members[place] = self._new()

    def stop(self) -> Sequence[RelayLine]:
        """Have everybody settle what is on its way and end; return what each had done.

        One that has to be ended, and those that were killed before, tell nothing.

        Raises:
            CannotRun: somebody failed by a fault of his own.
        """
        for member in self._members:
            member.stop()
        deadline_s = time.monotonic() + _GRACE_S
        lines = []
        for member in self._members:
            tally = member.ends_within(max(0.1, deadline_s - time.monotonic()))
            if tally is not None:
                lines.append(RelayLine(self._numbers[member.pid], **tally))
        return lines

    def end(self) -> None:
        """End everybody, whatever they do."""
        for member in self._members:
            member.end()

    def _new(self) -> MemberProcess:
        order, relaying = self.order, self.relaying
        number = self._started
        self._started += 1
        member = MemberProcess(
            f"a relay of {order.name}",
            RELAY_MODULE,
            order.strategy,
            self.janitor,
            order.environment,
        )
        self._numbers[member.pid] = number
        pin(member.pid, self.pinning.client_cores)
        member.prepare(
            FaultRelayJob(
                settings=self.settings,
                loop=order.loop,
                plan=relaying.plan,
                broker=self._broker_address(),
                handlers=relaying.handlers,
                batch=relaying.batch,
                wake_up=relaying.wake_up,
                lease_s=relaying.lease_s,
                number=number,
                journal=str(self.journals),
            ).to_json()
        )
        member.go("go")
        return member

    def _broker_address(self) -> BrokerAddress:
        if self.broker is None:
            return BrokerAddress("memory")
        return BrokerAddress("nats", self.broker.url, USER, self.broker.password)
