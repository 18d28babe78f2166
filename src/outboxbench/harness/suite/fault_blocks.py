"""Measures one arm under its fault: a database, a link, a history, and what that says."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import asdict, dataclass
from functools import partial, reduce
from typing import TYPE_CHECKING

from outboxbench.analysis.history.availability import SLO, availability_of
from outboxbench.analysis.history.judgement import judge
from outboxbench.analysis.memory import memory_checks
from outboxbench.analysis.verdict import combine
from outboxbench.core.strategies.settings import DatabaseAddress, StrategySettings
from outboxbench.harness.errors import CannotRun
from outboxbench.harness.faulting.block import FaultBlock
from outboxbench.harness.faulting.order import FaultOrder
from outboxbench.harness.faults.registry import refuse_reason
from outboxbench.harness.load.dataset import Dataset
from outboxbench.harness.suite.fault_scenery import Scenery
from outboxbench.results.faults import FaultArm as FaultArmDocument
from outboxbench.results.faults import FaultRelaying
from outboxbench.results.history import read_history, sha256_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from pydantic import JsonValue

    from outboxbench.harness.faults.seat import Seat
    from outboxbench.harness.janitor import Janitor
    from outboxbench.harness.nats.server import NatsServer
    from outboxbench.harness.postgres.databases import Databases
    from outboxbench.harness.postgres.server import Server
    from outboxbench.harness.suite.fault_plan import FaultArm
    from outboxbench.harness.suite.model import Suite
    from outboxbench.harness.wire.proxy_process import FaultProxy
    from outboxbench.results.machine import Pinning
    from outboxbench.results.memory import MemorySeries
    from outboxbench.results.store import RunFolder


@dataclass(frozen=True, slots=True)
class FaultRunner:
    """Measures the arms of one run under faults, one after the other; `server` is the run's."""

    suite: Suite
    server: Server
    databases: Databases
    janitor: Janitor
    pinning: Pinning
    folder: RunFolder
    pg_bin: Path | None

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
            scenery = Scenery(
                self.suite,
                self.server,
                self.databases,
                self.janitor,
                self.pinning,
                self.pg_bin,
                stack,
            )
            own = scenery.database(arm, name)
            broker = scenery.broker(arm)
            links = scenery.links(arm, own.address)
            seat = scenery.seat(arm, own, links)
            path = self.folder.new_history(arm.name)
            memory = self._block(arm, seat, links, broker).run(path)
        return self._judged(arm, path, memory)

    def _block(
        self,
        arm: FaultArm,
        seat: Seat,
        links: Sequence[FaultProxy],
        broker: NatsServer | None,
    ) -> FaultBlock:
        suite, size = self.suite, self.suite.dataset
        known = [link.address(seat.address.database) for link in links]
        return FaultBlock(
            order=FaultOrder(
                name=arm.name,
                strategy=arm.strategy.name,
                loop=arm.loop,
                mix=arm.workload,
                clients=arm.clients,
                workers=arm.workers,
                rate_per_s=arm.rate_per_s,
                max_wait_s=arm.max_wait_s,
                retrying=arm.retrying,
                kind=arm.kind,
                rhythm=arm.rhythm,
                busy_wait_us=arm.busy_wait_us,
                seed=f"{suite.seed}/{arm.chances}",
                about={
                    "arm": arm.name,
                    "suite": suite.name,
                    "seed": suite.seed,
                    SLO: arm.slo_ms,
                    "expected_findings": arm.expected_findings,
                },
                relaying=arm.relaying,
            ),
            seat=seat,
            settings=StrategySettings(
                address=reduce(DatabaseAddress.or_at, known),
                profile=arm.profile,
                pool_size=arm.clients // arm.workers,
                isolation=arm.isolation,
                statement_timeout_s=suite.statement_timeout_s,
                lock_timeout_s=suite.lock_timeout_s,
                connect_timeout_s=suite.connect_timeout_s,
                own_parameters={"synchronous_commit": arm.synchronous_commit},
            ),
            link=links[0],
            dataset=Dataset(size.accounts, size.orders),
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
