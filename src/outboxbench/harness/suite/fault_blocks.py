"""Measures one arm under its fault: a database, a link, a history, and what that says."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from functools import partial
from typing import TYPE_CHECKING

from outboxbench.analysis.history.availability import availability_of
from outboxbench.analysis.history.judgement import judge
from outboxbench.analysis.memory import memory_checks
from outboxbench.analysis.verdict import combine
from outboxbench.harness.errors import CannotRun
from outboxbench.harness.faulting.block import FaultBlock
from outboxbench.harness.faulting.capacity import measure_capacity
from outboxbench.harness.faults.registry import refuse_reason
from outboxbench.harness.load.dataset import Dataset
from outboxbench.harness.suite.fault_orders import order_of, strategy_settings_of
from outboxbench.harness.suite.fault_scenery import Scenery
from outboxbench.results.faults import FaultArm as FaultArmDocument
from outboxbench.results.faults import FaultRelaying
from outboxbench.results.history import read_history, sha256_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from pydantic import JsonValue

    from outboxbench.core.strategies.settings import DatabaseAddress, StrategySettings
    from outboxbench.harness.faults.seat import Seat
    from outboxbench.harness.janitor import Janitor
    from outboxbench.harness.nats.server import NatsServer
    from outboxbench.harness.postgres.databases import Databases
    from outboxbench.harness.postgres.server import Server
    from outboxbench.harness.suite.fault_plan import FaultArm, Sizing
    from outboxbench.harness.suite.model import Suite
    from outboxbench.harness.wire.proxy_process import FaultProxy
    from outboxbench.results.machine import Pinning
    from outboxbench.results.memory import MemorySeries
    from outboxbench.results.store import RunFolder


@dataclass(frozen=True, slots=True)
class FaultRunner:
    """Measures the arms of one run under faults, one after the other; `server` is the run's.

    `capacities_per_s` are those that are known; what is found is kept there.
    """

    suite: Suite
    server: Server
    databases: Databases
    janitor: Janitor
    pinning: Pinning
    folder: RunFolder
    pg_bin: Path | None
    capacities_per_s: dict[Sizing, float] = field(default_factory=dict)

    def lacks_capacity(self, arm: FaultArm) -> bool:
        """Tell whether the capacity of an arm has to be found before the arm is measured."""
        return arm.measures_capacity and arm.sizing not in self.capacities_per_s

    def find_capacity(self, arm: FaultArm, name: str) -> None:
        """Measure what the clients of an arm can do, on a database that is called after `name`.

        Raises:
            CannotRun: it cannot be measured.
        """
        with ExitStack() as stack:
            scenery = self._scenery(stack)
            address = scenery.calm_database(arm, name)
            links = scenery.links(arm, address)
            self.capacities_per_s[arm.sizing] = measure_capacity(
                order_of(arm, self.suite),
                self._settings(arm, links, address),
                self._dataset,
                self.janitor,
                self.pinning,
            )

    def measure(self, arm: FaultArm, name: str) -> FaultArmDocument:
        """Measure an arm on a database that is called after `name`, and judge what it has left.

        Raises:
            CannotRun: the fault is refused on this server, or cannot be made to happen.
            RunWriteError: the history cannot be written.
        """
        for kind in arm.kind.kinds:
            if reason := refuse_reason(kind, self.server):
                raise CannotRun(reason)
        with ExitStack() as stack:
            scenery = self._scenery(stack)
            own = scenery.database(arm, name)
            broker = scenery.broker(arm)
            links = scenery.links(arm, own.address)
            seat = scenery.seat(arm, own, links)
            path = self.folder.new_history(arm.name)
            memory = self._block(arm, seat, links, broker).run(path)
        return self._judged(arm, path, memory)

    def _scenery(self, stack: ExitStack) -> Scenery:
        return Scenery(
            self.suite,
            self.server,
            self.databases,
            self.janitor,
            self.pinning,
            self.pg_bin,
            stack,
        )

    @property
    def _dataset(self) -> Dataset:
        return Dataset(self.suite.dataset.accounts, self.suite.dataset.orders)

    def _settings(
        self, arm: FaultArm, links: Sequence[FaultProxy], address: DatabaseAddress
    ) -> StrategySettings:
        return strategy_settings_of(arm, self.suite, links, address.database, self.server.major)

    def _block(
        self,
        arm: FaultArm,
        seat: Seat,
        links: Sequence[FaultProxy],
        broker: NatsServer | None,
    ) -> FaultBlock:
        return FaultBlock(
            order=order_of(arm, self.suite),
            seat=seat,
            settings=self._settings(arm, links, seat.address),
            link=links[0],
            dataset=self._dataset,
            janitor=self.janitor,
            pinning=self.pinning,
            broker=broker,
        )

    def _judged(
        self, arm: FaultArm, path: Path, memory: tuple[MemorySeries, ...]
    ) -> FaultArmDocument:
        read = partial(read_history, path)
        judgement = judge(read)
        checks = (*judgement.checks, *memory_checks(memory))
        return FaultArmDocument(
            name=arm.name,
            fault=arm.kind.name,
            strategy=arm.strategy.name,
            write_plan=arm.strategy.write_plan,
            driver=arm.strategy.driver,
            loop=arm.loop,
            profile=arm.profile,
            retries=arm.retrying.mode,
            synchronous_commit=arm.synchronous_commit,
            find_by=arm.find_by,
            isolation=arm.isolation,
            workload=arm.workload,
            relaying=None if arm.relaying is None else FaultRelaying(**asdict(arm.relaying)),
            capacity_per_s=self.capacities_per_s[arm.sizing] if arm.measures_capacity else None,
            settings=settings_of(arm, self.suite),
            history=path.relative_to(self.folder.path).as_posix(),
            history_sha256=sha256_of(path),
            checks=checks,
            verdict=combine(check.verdict for check in checks),
            expected_findings=judgement.expected_findings,
            loss=judgement.loss,
            availability=availability_of(read),
            memory=memory,
        )


def settings_of(arm: FaultArm, suite: Suite) -> dict[str, JsonValue]:
    """Return what a suite says of an arm, beside what its name says, as documents have it."""
    rhythm, retrying = arm.rhythm, arm.retrying
    drawn: dict[str, JsonValue] = (
        {}
        if rhythm.window_s is None
        else {"window_s": rhythm.window_s, "drawn_from": [kind.name for kind in arm.kind.kinds]}
    )
    return {
        **drawn,
        "rate_per_s": arm.rate_per_s,
        "busy_wait_us": arm.busy_wait_us,
        "slo_ms": arm.slo_ms,
        "clients": arm.clients,
        "statement_timeout_s": suite.statement_timeout_s,
        "lock_timeout_s": suite.lock_timeout_s,
        "connect_timeout_s": suite.connect_timeout_s,
        "workers": arm.workers,
        "max_wait_s": arm.max_wait_s,
        "injections": rhythm.injections,
        "clean_s": rhythm.clean_s,
        "hold_s": rhythm.hold_s,
        "recovery_s": rhythm.recovery_s,
        "max_attempts": retrying.max_attempts,
        "first_s": retrying.first_s,
        "longest_s": retrying.longest_s,
        "budget": retrying.budget,
    }
