"""Measures one block: one arm on a fresh database, from its start to what the database holds."""

from __future__ import annotations

import time
from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, cast

from outboxbench.core.strategies.settings import StrategySettings
from outboxbench.harness.http.load_plan import LoadPlan
from outboxbench.harness.load.ceiling import Ceiling, CeilingJob
from outboxbench.harness.load.dataset import Dataset
from outboxbench.harness.load.job import Job, OpenLoad, Window
from outboxbench.harness.load.worker_process import GRACE_S
from outboxbench.harness.pinning import pin
from outboxbench.harness.postgres.activity import autovacuums_in
from outboxbench.harness.postgres.final_state import read_final_state, wait_until_unused
from outboxbench.harness.postgres.server import connect
from outboxbench.harness.relay_database import prepare_database
from outboxbench.harness.suite.measurement import (
    Measurement,
    Surveillance,
    from_ceiling,
    from_workers,
    watch,
)
from outboxbench.harness.suite.plan import CeilingArm, PlannedArm, ServiceArm, StrategyArm
from outboxbench.harness.suite.service_blocks import run_service

if TYPE_CHECKING:
    from collections.abc import Sequence

    import psycopg

    from outboxbench.core.application.outbox import RelayPlan
    from outboxbench.core.strategies.settings import DatabaseAddress
    from outboxbench.harness.janitor import Janitor
    from outboxbench.harness.postgres.databases import Databases
    from outboxbench.harness.postgres.server import Server
    from outboxbench.harness.suite.model import Suite
    from outboxbench.harness.suite.networks import Networks
    from outboxbench.harness.suite.workers_ahead import WorkersAhead
    from outboxbench.results.block import HttpTimes
    from outboxbench.results.deliveries import Relayed
    from outboxbench.results.final_state import FinalState
    from outboxbench.results.machine import Pinning

# Between saying "go" and the first operation: the line has to cross a pipe.
_LEAD_S = 0.02

# pgbench connects its clients one after the other before it begins.
_CONNECT_S = 0.2


@dataclass(frozen=True, slots=True)
class BlockOrder:
    """What to measure: an arm, under its own seed, on a database that is called after `name`.

    Arrivals come from a seed that all arms of a round share: they get the same bursts.
    """

    arm: PlannedArm
    name: str
    seed: str
    arrival_seed: str
    offered_per_s: float | None = None


@dataclass(frozen=True, slots=True)
class RawBlock:
    """A measured block, not yet judged. `opened_at_s` is seconds since the epoch."""

    window: Window
    opened_at_s: float
    measurement: Measurement
    final_state: FinalState
    autovacuums: int
    http: HttpTimes | None = None
    relayed: Relayed | None = None


@dataclass(frozen=True, slots=True)
class BlockRunner:
    """Measures blocks of one run, one after the other. `connection` is the harness's own."""

    suite: Suite
    server: Server
    databases: Databases
    janitor: Janitor
    workers: WorkersAhead
    networks: Networks
    pinning: Pinning
    connection: psycopg.Connection[Any]

    def measure(self, order: BlockOrder, upcoming: PlannedArm | None = None) -> RawBlock:
        """Measure an arm once, on a database that is dropped afterwards.

        Once its window is closed the `upcoming` arm is made ready.

        Raises:
            CannotRun: the arm could not be measured.
        """
        match order.arm:
            case StrategyArm() as arm:
                return self._measure_strategy(arm, order, upcoming)
            case CeilingArm() as arm:
                return self._measure_ceiling(arm, order, upcoming)
            case ServiceArm() as arm:
                return self._measure_service(arm, order, upcoming)

    def _measure_strategy(
        self, arm: StrategyArm, order: BlockOrder, upcoming: PlannedArm | None
    ) -> RawBlock:
        with ExitStack() as stack:
            workers = stack.enter_context(self.workers.take(arm))
            address = self._fresh_database(order.name, stack)
            if arm.prepared_for != "nothing":
                plan, *notified = arm.prepared_for.split()
                prepare_database(address, cast("RelayPlan", plan), announces=bool(notified))
                self.databases.checkpoint()
            for number, worker in enumerate(workers):
                worker.prepare(self._job(arm, address, order, number))
            for worker in workers:
                worker.wait_until_ready()
            window = self._window(_LEAD_S)
            for worker in workers:
                worker.measure(window)
            surveillance = self._watch(window, [worker.pid for worker in workers])
            # What was due at the very end may still wait for a client.
            wait_s = 0.0 if arm.open_loop is None else arm.open_loop.max_wait_s
            results = [worker.result(GRACE_S + wait_s) for worker in workers]
            self._make_ready(upcoming)
            wait_until_unused(address)
            return _raw(window, from_workers(results, surveillance), address)

    def _measure_ceiling(
        self, arm: CeilingArm, order: BlockOrder, upcoming: PlannedArm | None
    ) -> RawBlock:
        with ExitStack() as stack:
            address = self._fresh_database(order.name, stack)
            window = self._window(_CONNECT_S)
            job = CeilingJob(
                program=self.server.binaries.path("pgbench"),
                write_plan=arm.write_plan,
                workload=arm.workload,
                settings=self._settings(arm, address, arm.clients),
                clients=arm.clients,
                dataset=self._dataset,
                seed=order.seed,
                max_attempts=self.suite.max_attempts,
            )
            runs_for_s = (window.closes_ns - time.monotonic_ns()) / 1e9
            ceiling = stack.enter_context(Ceiling(job, runs_for_s, self.janitor))
            pin(ceiling.pid, self.pinning.client_cores)
            surveillance = self._watch(window, [ceiling.pid])
            result = ceiling.result(window)
            self._make_ready(upcoming)
            wait_until_unused(address)
            return _raw(window, from_ceiling(arm.workload, result, surveillance), address)

    def _measure_service(
        self, arm: ServiceArm, order: BlockOrder, upcoming: PlannedArm | None
    ) -> RawBlock:
        with ExitStack() as stack:
            address = self._fresh_database(order.name, stack)
            plan = LoadPlan(
                mix=arm.workload,
                accounts=self.suite.dataset.accounts,
                orders=self.suite.dataset.orders,
                seed=order.seed,
                warm_up_s=arm.warm_up_s,
                window_s=self.suite.window_s,
                workers=arm.processes,
            )
            loaded = run_service(
                arm,
                plan,
                address,
                self.janitor,
                watch_window=self._watch,
                checkpoint=self.databases.checkpoint,
            )
            self._make_ready(upcoming)
            wait_until_unused(address)
            raw = _raw(loaded.window, loaded.measurement, address)
            return replace(raw, http=loaded.times, relayed=loaded.relayed)

    def _watch(
        self, window: Window, clients: Sequence[int], helpers: Sequence[int] = ()
    ) -> Surveillance:
        return watch(
            window,
            self.server.postmaster_pid,
            clients,
            [*helpers, *self.networks.pids],
            self.connection,
        )

    def _make_ready(self, arm: PlannedArm | None) -> None:
        if arm is not None:
            self.workers.start(arm)

    def _fresh_database(self, name: str, stack: ExitStack) -> DatabaseAddress:
        address = self.databases.create(name)
        stack.callback(self.databases.drop, address)
        self.databases.checkpoint()
        return address

    def _window(self, lead_s: float) -> Window:
        begins_ns = time.monotonic_ns() + round(lead_s * 1e9)
        opens_ns = begins_ns + round(self.suite.warm_up_s * 1e9)
        return Window.of(begins_ns, opens_ns, opens_ns + round(self.suite.window_s * 1e9))

    def _job(
        self, arm: StrategyArm, address: DatabaseAddress, order: BlockOrder, number: int
    ) -> Job:
        clients = _share(arm.clients, arm.workers, number)
        pool_size = _share(arm.pool_size, arm.workers, number)
        first_client = sum(_share(arm.clients, arm.workers, each) for each in range(number))
        return Job(
            settings=self._settings(arm, address, pool_size),
            loop=arm.loop,
            mix=arm.workload,
            clients=clients,
            first_client=first_client,
            dataset=self._dataset,
            seed=order.seed,
            max_attempts=self.suite.max_attempts,
            open_load=_open_load(arm, order, clients / arm.clients, first_client / arm.clients),
            busy_wait_us=arm.busy_wait_us,
        )

    def _settings(
        self, arm: StrategyArm | CeilingArm, address: DatabaseAddress, pool_size: int
    ) -> StrategySettings:
        return StrategySettings(
            address=self.networks.through(arm.network_rtt_ms, address),
            profile=arm.profile,
            pool_size=pool_size,
            isolation=arm.isolation,
            statement_timeout_s=self.suite.statement_timeout_s,
            lock_timeout_s=self.suite.lock_timeout_s,
            connect_timeout_s=self.suite.connect_timeout_s,
            server_major=self.server.major,
        )

    @property
    def _dataset(self) -> Dataset:
        return Dataset(self.suite.dataset.accounts, self.suite.dataset.orders)


def _open_load(
    arm: StrategyArm, order: BlockOrder, share: float, earlier_share: float
) -> OpenLoad | None:
    """Return the part of the arrivals that falls to a worker with this share of the clients."""
    if arm.open_loop is None or order.offered_per_s is None:
        return None
    return OpenLoad(
        process=arm.open_loop.process,
        rate_per_s=order.offered_per_s * share,
        max_wait_s=arm.open_loop.max_wait_s,
        seed=f"{order.arrival_seed}/{earlier_share}",
        phase=earlier_share,
    )


def _raw(window: Window, measurement: Measurement, address: DatabaseAddress) -> RawBlock:
    since_opening_s = (time.monotonic_ns() - window.opens_ns) / 1e9
    opened_at_s = time.time() - since_opening_s
    with connect(address) as connection:
        autovacuums = autovacuums_in(connection)
    return RawBlock(window, opened_at_s, measurement, read_final_state(address), autovacuums)


def _share(total: int, workers: int, number: int) -> int:
    """Return the part of `total` that falls to one worker; the first get what is left over."""
    return total // workers + (number < total % workers)
