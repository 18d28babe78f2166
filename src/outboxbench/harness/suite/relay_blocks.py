"""Measures one block of relays: on a fresh database, from its start to what has arrived."""

from __future__ import annotations

import time
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any
from uuid import UUID

import numpy as np

from outboxbench.harness.errors import CannotRun
from outboxbench.harness.load.job import Window
from outboxbench.harness.load.worker_process import GRACE_S, WorkerProcess
from outboxbench.harness.pinning import pin
from outboxbench.harness.postgres.chain_state import read_chain
from outboxbench.harness.postgres.counters import cpu_between, server_cpu_seconds
from outboxbench.harness.postgres.final_state import wait_until_unused
from outboxbench.harness.postgres.server import connect
from outboxbench.harness.relay_database import prepare_database
from outboxbench.harness.relaying.backlog import fill
from outboxbench.harness.relaying.due import due_by_operations, due_messages, received
from outboxbench.harness.relaying.ends import log_is_delivered, table_is_delivered
from outboxbench.harness.relaying.process import RelayProcess
from outboxbench.harness.relaying.records import COMMIT, DELIVERY, read_records
from outboxbench.harness.suite.relay_jobs import RelayJobs
from outboxbench.harness.suite.relay_plan import ChainArm, DrainArm

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from outboxbench.core.strategies.settings import DatabaseAddress
    from outboxbench.harness.janitor import Janitor
    from outboxbench.harness.load.job import WorkerResult
    from outboxbench.harness.nats.server import NatsServer
    from outboxbench.harness.postgres.databases import Databases
    from outboxbench.harness.postgres.server import Server
    from outboxbench.harness.relaying.job import RelayResult
    from outboxbench.harness.suite.model import Suite
    from outboxbench.harness.suite.relay_plan import RelayingArm
    from outboxbench.results.deliveries import Chain, Deliveries
    from outboxbench.results.machine import Pinning

DRAIN_TIMEOUT_S = 600.0
CATCH_UP_S = 60.0
_LEAD_S = 0.1
_POLL_S = 0.02


@dataclass(frozen=True, slots=True)
class RawRelayBlock:
    """A measured block, not yet judged. Times are those of the monotonic clock, in ns.

    `placed` are the operations of the window that placed an order, `committed_ns` all operations.
    """

    seconds: float
    results: list[RelayResult]
    deliveries: Deliveries
    records: NDArray[Any]
    server_cpu_s: float | None
    opens_ns: int
    committed_ns: dict[bytes, int] = field(default_factory=dict)
    placed: list[UUID] = field(default_factory=list)
    writes: WorkerResult | None = None
    chain: Chain | None = None


@dataclass(frozen=True, slots=True)
class RelayRunner:
    """Measures relay blocks of one run, one after the other; `nats` is None if no arm needs it."""

    suite: Suite
    server: Server
    databases: Databases
    janitor: Janitor
    pinning: Pinning
    nats: NatsServer | None

    def measure(self, arm: RelayingArm, name: str, seed: str) -> RawRelayBlock:
        """Measure an arm once, on a database that is dropped afterwards.

        Raises:
            CannotRun: the arm could not be measured.
        """
        with ExitStack() as stack:
            address = self.databases.create(name)
            stack.callback(self.databases.drop, address)
            records = Path(stack.enter_context(TemporaryDirectory(prefix="outboxbench-relay-")))
            relays = [
                stack.enter_context(
                    RelayProcess(f"{number} of {arm.name}", arm.strategy.name, self.janitor)
                )
                for number in range(arm.relays)
            ]
            for relay in relays:
                pin(relay.pid, self.pinning.client_cores)
            match arm:
                case DrainArm():
                    return self._drain(arm, address, relays, records)
                case ChainArm():
                    return self._chain(arm, address, relays, records, seed)

    @property
    def _jobs(self) -> RelayJobs:
        return RelayJobs(self.suite, self.server, self.nats)

    def _drain(
        self, arm: DrainArm, address: DatabaseAddress, relays: list[RelayProcess], records: Path
    ) -> RawRelayBlock:
        prepare_database(address, arm.plan, announces=False)
        with connect(address) as connection:
            since = _now(connection)
            fill(connection, arm.backlog, one_by_one=arm.plan == "log")
            due = due_messages(connection, since)
        self.databases.checkpoint()
        self._jobs.start(arm, address, relays, records)
        before = server_cpu_seconds(self.server.postmaster_pid)
        for relay in relays:
            relay.go()
        if len(relays) > 1:
            # One that finds nothing free now may be given some soon: none can tell that it is over.
            self._wait_until_delivered(arm, address, DRAIN_TIMEOUT_S)
            for relay in relays:
                relay.stop()
        for relay in relays:
            relay.wait_until_settled(DRAIN_TIMEOUT_S)
        server_cpu_s = cpu_between(before, server_cpu_seconds(self.server.postmaster_pid))
        results = [relay.result() for relay in relays]
        deliveries = _read(records, "deliveries", DELIVERY)
        began_ns = min(result.began_ns for result in results)
        return RawRelayBlock(
            seconds=(max(result.ended_ns for result in results) - began_ns) / 1e9,
            results=results,
            deliveries=received(due, deliveries),
            records=deliveries,
            server_cpu_s=server_cpu_s,
            opens_ns=began_ns,
        )

    def _chain(
        self,
        arm: ChainArm,
        address: DatabaseAddress,
        relays: list[RelayProcess],
        records: Path,
        seed: str,
    ) -> RawRelayBlock:
        prepare_database(address, arm.plan, announces=arm.wake_up == "notify")
        with connect(address) as connection:
            since = _now(connection)
        self.databases.checkpoint()
        with WorkerProcess(arm.name, arm.strategy.name, self.janitor) as writer:
            pin(writer.pid, self.pinning.client_cores)
            writer.prepare(self._jobs.orders(arm, address, records / "writer.commits", seed))
            self._jobs.start(arm, address, relays, records)
            writer.wait_until_ready()
            for relay in relays:
                relay.go()
            # What the warm-up has placed is not part of the window, and not in its way.
            self._wait_until_delivered(arm, address, CATCH_UP_S)
            window = self._window()
            before = server_cpu_seconds(self.server.postmaster_pid)
            writer.measure(window)
            time.sleep(max(0.0, (window.closes_ns - time.monotonic_ns()) / 1e9))
            server_cpu_s = cpu_between(before, server_cpu_seconds(self.server.postmaster_pid))
            writes = writer.result(GRACE_S)
            self._wait_until_delivered(arm, address, CATCH_UP_S)
        for relay in relays:
            relay.stop()
            relay.wait_until_settled(GRACE_S)
        results = [relay.result() for relay in relays]
        wait_until_unused(address)
        written = read_records(records / "writer.commits", COMMIT)
        handled = _read(records, "commits", COMMIT, besides="writer.commits")
        deliveries = _read(records, "deliveries", DELIVERY)
        if arm.plan == "delete":
            due = due_by_operations(_op_ids(written), _op_ids(handled), deliveries)
            chain = None
        else:
            with connect(address) as connection:
                due = due_messages(connection, since)
            chain = read_chain(address, since)
        in_window = written[written["committed_ns"] >= window.opens_ns]
        return RawRelayBlock(
            seconds=window.seconds,
            results=results,
            deliveries=received(due, deliveries),
            records=deliveries,
            server_cpu_s=server_cpu_s,
            opens_ns=window.opens_ns,
            committed_ns={
                record["op_id"].tobytes(): int(record["committed_ns"])
                for record in np.concatenate([written, handled])
            },
            placed=_op_ids(in_window),
            writes=writes,
            chain=chain,
        )

    def _window(self) -> Window:
        begins_ns = time.monotonic_ns() + round(_LEAD_S * 1e9)
        opens_ns = begins_ns + round(self.suite.warm_up_s * 1e9)
        return Window.of(begins_ns, opens_ns, opens_ns + round(self.suite.window_s * 1e9))

    def _wait_until_delivered(
        self, arm: RelayingArm, address: DatabaseAddress, patience_s: float
    ) -> None:
        deadline_s = time.monotonic() + patience_s
        is_through = log_is_delivered if arm.plan == "log" else table_is_delivered
        with connect(address) as connection:
            while not is_through(connection):
                if time.monotonic() > deadline_s:
                    raise CannotRun(
                        f"the relays are not through after {patience_s:g} s: "
                        "lower orders_per_s or messages in the suite"
                    )
                time.sleep(_POLL_S)


def _now(connection: Any) -> object:
    (now,) = connection.execute("SELECT clock_timestamp()").fetchone()
    return now


def _read(folder: Path, kind: str, dtype: Any, besides: str = "") -> NDArray[Any]:
    paths = [path for path in sorted(folder.glob(f"*.{kind}")) if path.name != besides]
    return np.concatenate([read_records(path, dtype) for path in paths])


def _op_ids(commits: NDArray[Any]) -> list[UUID]:
    return [UUID(bytes=record["op_id"].tobytes()) for record in commits]
