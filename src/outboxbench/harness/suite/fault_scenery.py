"""Sets up what an arm under faults takes place on: server, database, broker, proxies, standby."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from outboxbench.harness.faulting.relay_crew import OWN_CONNECTIONS
from outboxbench.harness.faults.doors import OneDoor, TwoDoors
from outboxbench.harness.faults.seat import ReplicatedSeat, Seat
from outboxbench.harness.nats.server import NatsServer
from outboxbench.harness.pinning import pin
from outboxbench.harness.postgres.databases import Databases
from outboxbench.harness.postgres.kept_messages import keep_messages
from outboxbench.harness.postgres.server import connect, open_server
from outboxbench.harness.postgres.volume import SmallVolume
from outboxbench.harness.relay_database import prepare_database
from outboxbench.harness.suite.template import prepare_template
from outboxbench.harness.wire.proxy_process import FaultProxy

if TYPE_CHECKING:
    from collections.abc import Sequence
    from contextlib import ExitStack
    from pathlib import Path

    from outboxbench.core.strategies.settings import DatabaseAddress
    from outboxbench.harness.faulting.order import Relaying
    from outboxbench.harness.faults.doors import Doors
    from outboxbench.harness.janitor import Janitor
    from outboxbench.harness.postgres.server import Server
    from outboxbench.harness.suite.fault_plan import FaultArm
    from outboxbench.harness.suite.model import Suite
    from outboxbench.results.machine import Pinning

_SPARE_SLOTS: Final = 30
"""For the harness, and for what is on its way out while others come."""


@dataclass(frozen=True, slots=True)
class Scenery:
    """Makes what one arm needs; all of it goes with `stack`.

    `server` is that of the run. A fault that hurts a server gets one of its own, so that nothing of
    it is left for the next.
    """

    suite: Suite
    server: Server
    databases: Databases
    janitor: Janitor
    pinning: Pinning
    pg_bin: Path | None
    stack: ExitStack

    def database(self, arm: FaultArm, name: str) -> Seat:
        """Return the arm's database, called after `name`, on the server that it is on.

        Raises:
            CannotRun: it cannot be made.
        """
        if arm.kind.reach == "server":
            return self._own_server(arm, name)
        return Seat(self.server, self.calm_database(arm, name))

    def calm_database(self, arm: FaultArm, name: str) -> DatabaseAddress:
        """Return a database for the arm on the server of the run, which nothing ever happens to."""
        address = self.databases.create(name)
        self.stack.callback(self.databases.drop, address)
        if arm.relaying is not None:
            _prepare_for_relays(address, arm.relaying)
        self.databases.checkpoint()
        return address

    def broker(self, arm: FaultArm) -> NatsServer | None:
        """Start a broker of the block's own, so that nothing of a fault is left for the next."""
        if arm.relaying is None or arm.relaying.broker == "memory":
            return None
        broker = self.stack.enter_context(NatsServer(self.janitor))
        pin(broker.pid, self.pinning.server_cores)
        return broker

    def links(self, arm: FaultArm, address: DatabaseAddress) -> Sequence[FaultProxy]:
        """Start a proxy for each host that clients know."""
        links = []
        for _ in range(2 if arm.find_by == "hosts" else 1):
            link = self.stack.enter_context(FaultProxy(address, self.janitor))
            pin(link.pid, self.pinning.client_cores)
            links.append(link)
        return links

    def seat(self, arm: FaultArm, own: Seat, links: Sequence[FaultProxy]) -> Seat:
        """Return the seat of the block: a server's own, or one that has a standby."""
        replication = arm.kind.replication
        if replication is None:
            return own
        doors: Doors = TwoDoors(*links) if arm.find_by == "hosts" else OneDoor(*links)
        return self.stack.enter_context(
            ReplicatedSeat(own.server, own.address, replication, self.janitor, doors)
        )

    def _own_server(self, arm: FaultArm, name: str) -> Seat:
        """Start a server for the arm alone; its database goes with it."""
        settings = {"max_connections": f"{_slots(arm)}"} if arm.kind.takes_all_slots else {}
        server = self.stack.enter_context(open_server(None, self.pg_bin, self.janitor, settings))
        if server.postmaster_pid is not None:
            pin(server.postmaster_pid, self.pinning.server_cores)
        volume = None
        if arm.kind.needs_volume:
            assert server.cluster is not None
            volume = SmallVolume(server.cluster)
            volume.mount()
        databases = self.stack.enter_context(Databases(server, "own", go_with_server=True))
        address = databases.create(name)
        prepare_template(address, self.suite.dataset)
        if arm.relaying is not None:
            _prepare_for_relays(address, arm.relaying)
        if volume is not None:
            volume.take_in(address)
        databases.checkpoint()
        return Seat(server, address, volume)


def _slots(arm: FaultArm) -> int:
    """Return how many connections a server needs all of which are taken: each takes a moment."""
    relaying = arm.relaying
    of_relays = 0 if relaying is None else relaying.relays * (relaying.handlers + OWN_CONNECTIONS)
    # Twice, as the old ones may be still there when the next ones come.
    return 2 * (arm.clients + of_relays) + _SPARE_SLOTS


def _prepare_for_relays(address: DatabaseAddress, relaying: Relaying) -> None:
    prepare_database(address, relaying.plan, announces=relaying.wake_up == "notify")
    if relaying.plan == "delete":
        with connect(address) as connection:
            keep_messages(connection)
