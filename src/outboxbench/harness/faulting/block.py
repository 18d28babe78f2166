"""Runs one block under faults: steady load, injections in between, and what is left of it."""

from __future__ import annotations

import os
import time
from contextlib import ExitStack, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Final

from outboxbench.harness.faulting.crew import Crew
from outboxbench.harness.faulting.draining import wait_until_delivered
from outboxbench.harness.faulting.evidence import with_losses
from outboxbench.harness.faulting.history_file import write_history
from outboxbench.harness.faulting.injecting import Injections
from outboxbench.harness.faulting.memory_watch import MemoryWatch, Watched
from outboxbench.harness.faulting.relay_crew import OWN_CONNECTIONS, RelayCrew
from outboxbench.harness.faulting.rest import wait_until_at_rest
from outboxbench.harness.load.job import Window
from outboxbench.harness.postgres.kept_messages import TABLE
from outboxbench.harness.postgres.server import connect

if TYPE_CHECKING:
    from collections.abc import Sequence

    from outboxbench.core.strategies.settings import StrategySettings
    from outboxbench.harness.faulting.draining import Drained
    from outboxbench.harness.faulting.order import FaultOrder
    from outboxbench.harness.faults.scene import Link
    from outboxbench.harness.faults.seat import Seat
    from outboxbench.harness.janitor import Janitor
    from outboxbench.harness.load.dataset import Dataset
    from outboxbench.harness.nats.server import NatsServer
    from outboxbench.results.history import RelayLine
    from outboxbench.results.machine import Pinning
    from outboxbench.results.memory import MemorySeries

_LEAD_S: Final = 0.1
_LONGEST_FAULT_S: Final = 120.0
"""From the onset of a fault until it is healed, a server's recovery included."""


@dataclass(frozen=True, slots=True)
class FaultBlock:
    """One block on a database of its own.

    Args:
        order: what to run.
        seat: the database, prepared, also for the relays if there are any, and its server.
        settings: how clients reach it, through the link, as do relays.
        link: what the way of clients and relays leads over.
        dataset: what the database holds.
        janitor: ends the processes should the harness be gone first.
        pinning: where clients and relays run.
        broker: where relays publish; None if each has a broker in its own memory.
    """

    order: FaultOrder
    seat: Seat
    settings: StrategySettings
    link: Link
    dataset: Dataset
    janitor: Janitor
    pinning: Pinning
    broker: NatsServer | None = None

    def run(self, history: Path) -> tuple[MemorySeries, ...]:
        """Run the block and write its history.

        Returns:
            How much memory everybody took, of faults that come in turns.

        Raises:
            CannotRun: the fault cannot be made to happen here, or the clients cannot run.
        """
        with ExitStack() as stack:
            journals = Path(stack.enter_context(TemporaryDirectory(prefix="outboxbench-history-")))
            crew = Crew(
                self.order, self.settings, self.dataset, journals, self.janitor, self.pinning
            )
            stack.callback(crew.end)
            relays = self._relays(journals)
            for each in relays:
                stack.callback(each.end)
                each.start()
            crew.start()
            # A standby is made while they import what they need, each of which takes a while.
            self.seat.prepare()
            for each in relays:
                each.wait_until_ready()
            crew.wait_until_ready()
            began = self._now()
            window = self._window()
            crew.go(window)
            watch = MemoryWatch(self._processes(crew, relays)) if self.order.is_drawn else None
            with watch or nullcontext():
                faults = self._injections.run(crew, relays, window.begins_ns)
            crew.stop()
            drained, tallies = self._stop(relays)
            wait_until_at_rest(self.seat, after=self.order.kind.name)
            write_history(
                history,
                self._about(drained),
                journals,
                [*with_losses(faults, self.seat.left_behind()), *tallies],
                self.seat.address,
                began_ns=window.begins_ns,
                began=began,
                messages=TABLE if self._deletes else "outbox",
            )
        return () if watch is None else watch.series()

    @property
    def _injections(self) -> Injections:
        return Injections(self.order, self.seat, self.link, self.broker)

    def _processes(self, crew: Crew, relays: Sequence[RelayCrew]) -> list[Watched]:
        """Return whose memory is watched."""
        watched = [
            Watched("clients", lambda: crew.pids),
            Watched("harness", lambda: (os.getpid(),)),
        ]
        if relays:
            watched.append(Watched("relays", lambda: [pid for each in relays for pid in each.pids]))
        if self.seat.server.cluster is not None:
            watched.append(
                Watched("server", lambda: (self.seat.cluster.postmaster_pid,), with_children=True)
            )
        return watched

    @property
    def _deletes(self) -> bool:
        """Whether relays delete what they have delivered."""
        return self.order.relaying is not None and self.order.relaying.plan == "delete"

    def _about(self, drained: Drained) -> dict[str, Any]:
        about, relaying = self.order.about, self.order.relaying
        if relaying is None:
            return about
        return {
            **about,
            "is_relayed": True,
            "relays": relaying.relays,
            "relay_plan": relaying.plan,
            "drained": drained,
        }

    def _relays(self, journals: Path) -> tuple[RelayCrew, ...]:
        """Return the relays of the block, none or one crew of them."""
        relaying = self.order.relaying
        if relaying is None:
            return ()
        settings = replace(
            self.settings,
            pool_size=relaying.handlers + OWN_CONNECTIONS,
            # A suite says which one the clients have.
            isolation="read committed",
        )
        return (
            RelayCrew(
                self.order,
                relaying,
                settings.for_relay(relaying.lease_s),
                self.broker,
                journals,
                self.janitor,
                self.pinning,
            ),
        )

    def _stop(self, relays: Sequence[RelayCrew]) -> tuple[Drained, list[RelayLine]]:
        """Let relays deliver what is left, and end; return how far they came and what they did.

        What they leave undelivered is no error: it is what the judge looks for.
        """
        drained = wait_until_delivered(self.seat.address, relays) if relays else "through"
        return drained, [line for each in relays for line in each.stop()]

    def _now(self) -> object:
        with connect(self.seat.address) as connection:
            row = connection.execute("SELECT clock_timestamp()").fetchone()
        assert row is not None
        return row[0]

    def _window(self) -> Window:
        begins_ns = time.monotonic_ns() + round(_LEAD_S * 1e9)
        rhythm = self.order.rhythm
        # As long as it can take; the clients are told when it is over.
        seconds = rhythm.injections * (rhythm.cycle_s + _LONGEST_FAULT_S)
        return Window.of(begins_ns, begins_ns, begins_ns + round(seconds * 1e9))
