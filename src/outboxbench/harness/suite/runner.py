"""Runs a suite: starts what it takes, has everything measured, and writes the run document."""

from __future__ import annotations

import secrets
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Protocol

from outboxbench.analysis.comparison import USUAL
from outboxbench.analysis.same_machine import machine_differences
from outboxbench.harness.janitor import Janitor
from outboxbench.harness.nats.server import NatsServer
from outboxbench.harness.pinning import pin, plan_pinning
from outboxbench.harness.postgres.databases import Databases
from outboxbench.harness.postgres.server import connect, open_server
from outboxbench.harness.postgres.tuning import LOG_RELAY_SETTINGS
from outboxbench.harness.suite.blocks import BlockRunner
from outboxbench.harness.suite.document import RunContext, make_run
from outboxbench.harness.suite.fault_blocks import FaultRunner
from outboxbench.harness.suite.further_rounds import Once
from outboxbench.harness.suite.networks import Networks
from outboxbench.harness.suite.plan import StrategyArm
from outboxbench.harness.suite.relay_blocks import RelayRunner
from outboxbench.harness.suite.relay_plan import NO_RELAYS, RelayRounds
from outboxbench.harness.suite.resuming import capacities_known, refuse_other_surroundings
from outboxbench.harness.suite.session import Session
from outboxbench.harness.suite.surroundings import Surroundings, server_document
from outboxbench.harness.suite.workers_ahead import WorkersAhead
from outboxbench.results.folders import RunWriteError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from outboxbench.analysis.comparison import Judging
    from outboxbench.harness.postgres.server import Server
    from outboxbench.harness.suite.fault_plan import FaultArm
    from outboxbench.harness.suite.further_rounds import FurtherRounds
    from outboxbench.harness.suite.model import Suite
    from outboxbench.harness.suite.plan import Plan
    from outboxbench.harness.suite.server_versions import ServerVersion
    from outboxbench.results.block import Block
    from outboxbench.results.faults import FaultArm as FaultArmDocument
    from outboxbench.results.machine import Environment, Pinning
    from outboxbench.results.model import Run
    from outboxbench.results.noise import Noise
    from outboxbench.results.relay import RelayBlock
    from outboxbench.results.store import RunFolder


SHORTEST_SERIOUS_RUN_S = 5.0
"""Of windows altogether; in a shorter one nobody waits to see how long the disk takes to sync."""


class RunObserver(Protocol):
    """Hears how a run comes along."""

    def preparing(self, what: str) -> None:
        """Something takes a moment that is no block of the plan."""
        ...

    def adding(self, blocks: int) -> None:
        """So many blocks come on top of the plan, for what is inconclusive."""
        ...

    def block_started(self, arm: str, round: int) -> None:
        """The next block begins; rounds count from 0."""
        ...

    def block_finished(self, arm: str, block: Block | RelayBlock | FaultArmDocument) -> None:
        """A block is measured and judged."""
        ...


@dataclass(frozen=True, slots=True)
class RunRequest:
    """What to run, on what, and where it leaves its results.

    `noise` is what this machine was calibrated with, if it was; `earlier` the run that it resumes;
    `judging` how its arms are compared, `compares_strategies` whether those of different strategies
    are, and `further` how much is measured of what that leaves open: the suite's extra rounds if
    None. `servers` are those that its arms are on, if there are several.
    """

    suite: Suite
    plan: Plan
    folder: RunFolder
    command: str
    relays: RelayRounds = NO_RELAYS
    faults: Sequence[FaultArm] = ()
    noise: Noise | None = None
    earlier: Run | None = None
    judging: Judging = USUAL
    compares_strategies: bool = True
    further: FurtherRounds | None = None
    dsn: str | None = None
    pg_bin: Path | None = None
    servers: Sequence[ServerVersion] = ()

    @property
    def blocks(self) -> int:
        """How many blocks there are to measure."""
        measured = 0 if self.earlier is None else len(self.earlier.faults)
        return self.plan.blocks + self.relays.blocks + len(self.faults) - measured


def run_suite(request: RunRequest, observer: RunObserver) -> Run:
    """Measure every block of the plan and write the run document.

    An interruption (KeyboardInterrupt) or a failure is raised again after what was measured so far
    is written and marked incomplete; nothing is written when no block was finished.

    Raises:
        BadInput: the server that was asked for cannot be used, or the earlier run had another.
        CannotRun: this machine or that server cannot do it.
        RunWriteError: the results cannot be written.
    """
    suite = request.suite
    with ExitStack() as stack:
        janitor = stack.enter_context(Janitor())
        observer.preparing("starting PostgreSQL" if request.dsn is None else "connecting")
        settings = LOG_RELAY_SETTINGS if request.relays.read_the_log else {}
        versions: Sequence[ServerVersion | None] = request.servers or (None,)
        servers = [
            stack.enter_context(
                open_server(
                    request.dsn,
                    request.pg_bin if version is None else version.pg_bin,
                    janitor,
                    settings,
                )
            )
            for version in versions
        ]
        server = servers[0]
        observer.preparing("looking at the machine")
        surroundings = Surroundings.of(server, times_sync=_is_no_trial(request))
        pinning = _pin_servers(request, servers)
        networks = [
            stack.enter_context(
                Networks(each, _rtts_ms(request.plan), janitor, pinning.server_cores)
            )
            for each in servers
        ]
        earlier, now = request.earlier, datetime.now(UTC)
        if earlier is not None:
            refuse_other_surroundings(earlier, surroundings)
        context = RunContext(
            suite=suite,
            plan=request.plan,
            relays=request.relays,
            faults=request.faults,
            command=request.command,
            noise=_noise_of_here(request.noise, surroundings.environment),
            judging=request.judging,
            reference=suite.reference if request.compares_strategies else None,
            environment=surroundings.environment,
            server=surroundings.server,
            other_servers=tuple(server_document(each) for each in servers[1:]),
            pinning=pinning,
            network=networks[0].delays,
            started_at=now if earlier is None else earlier.started_at,
            resumed_at=() if earlier is None else (*earlier.resumed_at, now),
        )
        workers = stack.enter_context(WorkersAhead(janitor, pinning.client_cores))
        blocks = {
            version: BlockRunner(
                suite,
                each,
                stack.enter_context(Databases(each, secrets.token_hex(4))),
                janitor,
                workers,
                network,
                pinning,
                stack.enter_context(connect(each.address)),
            )
            for version, each, network in zip(versions, servers, networks, strict=True)
        }
        databases = blocks[versions[0]].databases
        nats = (
            stack.enter_context(NatsServer(janitor))
            if any(arm.broker == "nats" for arm in request.relays.arms)
            else None
        )
        relays = RelayRunner(suite, server, databases, janitor, pinning, nats)
        measured = () if earlier is None else earlier.faults
        faults = FaultRunner(
            suite,
            server,
            databases,
            janitor,
            pinning,
            request.folder,
            request.pg_bin,
            capacities_known(request.faults, measured),
        )
        further = request.further or Once(suite.extra_rounds)
        session = Session(
            context, request.folder, blocks, relays, faults, observer, further, measured
        )

        def keep_log(kind: type[BaseException] | None, *_: object) -> None:
            # It may tell why a block failed; a run stopped before its first block leaves nothing.
            if session.has_measured or kind is not KeyboardInterrupt:
                for each in servers:
                    _copy_log(each, request.folder, is_only=len(servers) == 1)

        stack.push(keep_log)
        try:
            session.measure_all()
        finally:
            if session.has_measured:
                observer.preparing("writing the results")
                run = request.folder.write_run(make_run(context, session.measured, request.folder))
    return run


def _is_no_trial(request: RunRequest) -> bool:
    """Whether a run is long enough for its figures to be meant seriously."""
    return request.blocks * request.suite.window_s >= SHORTEST_SERIOUS_RUN_S


def _noise_of_here(noise: Noise | None, environment: Environment) -> Noise | None:
    """What another machine was calibrated with says nothing about this one."""
    if noise is None or machine_differences(noise.environment, environment):
        return None
    return noise


def _pin_servers(request: RunRequest, servers: Sequence[Server]) -> Pinning:
    workers = [arm.workers for arm in request.plan.arms if isinstance(arm, StrategyArm)]
    pinning = plan_pinning(
        request.suite.pin,
        workers=max(workers, default=1),
        owns_server=servers[0].postmaster_pid is not None,
    )
    for server in servers:
        if server.postmaster_pid is not None:
            pin(server.postmaster_pid, pinning.server_cores)
    return pinning


def _rtts_ms(plan: Plan) -> set[float]:
    return {arm.network_rtt_ms for arm in plan.arms if arm.network_rtt_ms is not None}


def _copy_log(server: Server, folder: RunFolder, *, is_only: bool) -> None:
    if server.cluster is None:
        return
    path = folder.path / ("server.log" if is_only else f"server-{server.version}.log")
    try:
        server.cluster.copy_log(path)
    except OSError as error:
        raise RunWriteError(
            f"cannot write {path} ({error.strerror}): free some space and repeat the run"
        ) from error
