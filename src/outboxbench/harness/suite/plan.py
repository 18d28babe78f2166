"""From a suite to its arms, and to the random order in which each round measures them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import product
from random import Random
from typing import TYPE_CHECKING, TypeAlias

from outboxbench.harness.errors import BadInput
from outboxbench.harness.load.ceiling import SCRIPTED_WORKLOADS
from outboxbench.harness.strategies import load_measurable
from outboxbench.harness.suite.order import random_rounds
from outboxbench.harness.suite.rates import parse_rate

if TYPE_CHECKING:
    from collections.abc import Sequence

    from outboxbench.core.strategies.registry import Strategy
    from outboxbench.core.strategies.settings import Isolation, Profile
    from outboxbench.harness.environments.worker_environment import WorkerEnvironment
    from outboxbench.harness.load.arrivals import ArrivalProcess
    from outboxbench.harness.load.ceiling import CeilingPlan
    from outboxbench.harness.load.job import Loop
    from outboxbench.harness.suite.model import ArmMatrix, Suite
    from outboxbench.harness.suite.parts import PreparedFor
    from outboxbench.harness.suite.rates import Rate
    from outboxbench.harness.suite.server_versions import ServerVersion
    from outboxbench.harness.suite.service_model import ServiceMatrix

CEILING = "pgbench"


@dataclass(frozen=True, slots=True)
class OpenLoop:
    """Arrivals that do not wait for answers."""

    rate: Rate
    process: ArrivalProcess
    max_wait_s: float


@dataclass(frozen=True, slots=True)
class StrategyArm:
    """A strategy on an event loop, under a load: a closed loop unless there is an open one."""

    strategy: Strategy
    loop: Loop
    workload: str
    profile: Profile
    isolation: Isolation
    clients: int
    pool_size: int
    workers: int
    open_loop: OpenLoop | None = None
    network_rtt_ms: float | None = None
    busy_wait_us: float = 0.0
    copy_number: int = 1
    prepared_for: PreparedFor = "nothing"
    environment: WorkerEnvironment | None = None
    server: ServerVersion | None = None

    @property
    def name(self) -> str:
        """The arm's identity, the same in every run that measures it."""
        parts = [self.strategy.name, self.loop, _load_name(self)]
        if self.open_loop is not None:
            parts.append(str(self.open_loop.rate))
        if self.busy_wait_us:
            parts.append(f"{self.busy_wait_us:g} µs slower")
        if self.prepared_for != "nothing":
            parts.append(f"prepared for {self.prepared_for}")
        if self.copy_number > 1:
            parts.append(f"copy {self.copy_number}")
        if self.environment is not None:
            parts.append(self.environment.name)
        if self.server is not None:
            parts.append(self.server.name)
        return "/".join(parts)

    @property
    def as_closed_loop(self) -> StrategyArm:
        """The same arm with clients that ask again at once: what it can do at most."""
        return replace(self, open_loop=None)


@dataclass(frozen=True, slots=True)
class CeilingArm:
    """The same load from PostgreSQL's own C client."""

    write_plan: CeilingPlan
    workload: str
    profile: Profile
    isolation: Isolation
    clients: int
    network_rtt_ms: float | None = None
    server: ServerVersion | None = None

    @property
    def name(self) -> str:
        """The arm's identity, the same in every run that measures it."""
        plan = "" if self.write_plan == "statements" else f"-{self.write_plan}"
        name = f"{CEILING}{plan}/{_load_name(self)}"
        return name if self.server is None else f"{name}/{self.server.name}"


@dataclass(frozen=True, slots=True)
class ServiceArm:
    """A strategy behind HTTP: instances of the service, and Locust's users in a closed loop.

    `pool_size` is that of each instance; `processes` are Locust's, beside its master; `relays` are
    processes as well.
    """

    strategy: Strategy
    workload: str
    clients: int
    instances: int
    relays: int
    pool_size: int
    processes: int
    warm_up_s: float
    loop: Loop = "uvloop"
    profile: Profile = "matched"
    isolation: Isolation = "read committed"
    network_rtt_ms: float | None = None

    @property
    def name(self) -> str:
        """The arm's identity, the same in every run that measures it."""
        instances = "instance" if self.instances == 1 else "instances"
        over = f"over HTTP, {self.instances} {instances}"
        if self.relays:
            over += f", {self.relays} relay{'' if self.relays == 1 else 's'}"
        return "/".join((self.strategy.name, self.loop, _load_name(self), over))


PlannedArm: TypeAlias = StrategyArm | CeilingArm | ServiceArm


@dataclass(frozen=True, slots=True)
class Plan:
    """The arms, and for each round the order in which they come."""

    arms: tuple[PlannedArm, ...]
    rounds: tuple[tuple[PlannedArm, ...], ...]

    @property
    def blocks(self) -> int:
        """How many blocks there are."""
        return sum(len(order) for order in self.rounds)


def make_plan(
    suite: Suite,
    only: frozenset[str] = frozenset(),
    environments: Sequence[WorkerEnvironment] = (),
    servers: Sequence[ServerVersion] = (),
) -> Plan:
    """Expand a suite.

    Args:
        suite: what to measure.
        only: the strategies to measure; the suite's own if empty. One that the suite names stays
            where it is named, any other comes into every matrix. The ceiling stays.
        environments: every strategy is an arm in each of them; in the harness's own if empty.
        servers: every arm is one on each of them; on the only one of the run if empty.

    Raises:
        BadInput: a strategy is not registered, or needs no server and so cannot be measured
            against one.
        CannotRun: a strategy is registered but cannot be loaded here.
    """
    matrices: tuple[ArmMatrix | ServiceMatrix, ...] = (*suite.arms, *suite.services)
    named = {name for matrix in matrices for name in matrix.strategies}
    strategies = {name: load_measurable(name) for name in sorted(only or named)}
    guests = suite.guests(only)
    arms: dict[str, PlannedArm] = {}
    for matrix in suite.arms:
        measured = [name for name in matrix.strategies if name in strategies] + guests
        expanded = _expand(matrix, [strategies[name] for name in measured])
        for arm, environment, server in product(
            expanded, environments or (None,), servers or (None,)
        ):
            there = replace(arm, environment=environment, server=server)
            ceiling = ceiling_of(there)
            if suite.ceiling and ceiling is not None:
                arms.setdefault(ceiling.name, ceiling)
            if arms.setdefault(there.name, there) != there:
                raise BadInput(
                    f"the suite {suite.name} has two arms {there.name} that differ only in "
                    "pool_size, workers, arrivals or max_wait_s: measure them in two suites"
                )
    for services in suite.services:
        measured = [name for name in services.strategies if name in strategies] + guests
        for service in _expand_services(services, [strategies[name] for name in measured]):
            if arms.setdefault(service.name, service) != service:
                raise BadInput(
                    f"the suite {suite.name} has two arms {service.name} that differ only in "
                    "pool_size, processes or warm_up_s: measure them in two suites"
                )
    ordered = tuple(arms.values())
    random = Random(suite.seed)  # noqa: S311 - an order, no secret
    return Plan(ordered, random_rounds(ordered, table_of, suite.rounds, random))


def ceiling_of(arm: StrategyArm) -> CeilingArm | None:
    """Return what the arm is held against, where there is a script for it.

    That is the same write plan in C; for `group`, which no C client offers, it is `statements`.
    An open loop has none: how much it does is given, and pgbench keeps a schedule for each of its
    clients, so that an arrival waits for one while others are free.
    """
    if arm.workload not in SCRIPTED_WORKLOADS or arm.open_loop is not None:
        return None
    write_plan = arm.strategy.write_plan
    return CeilingArm(
        "statements" if write_plan == "group" else write_plan,
        arm.workload,
        arm.profile,
        arm.isolation,
        arm.clients,
        arm.network_rtt_ms,
        arm.server,
    )


def table_of(arm: PlannedArm) -> tuple[str, str]:
    """The load and the rate at which it comes; a ceiling is where its closed loops are."""
    rate = arm.open_loop.rate if isinstance(arm, StrategyArm) and arm.open_loop else ""
    return _load_name(arm), str(rate)


def _expand(matrix: ArmMatrix, strategies: list[Strategy]) -> list[StrategyArm]:
    open_loops: list[OpenLoop | None] = [
        OpenLoop(parse_rate(rate), matrix.arrivals, matrix.max_wait_s)
        for rate in matrix.rates or ()
    ]
    axes = product(
        strategies,
        matrix.loops,
        matrix.workloads,
        matrix.profiles,
        matrix.isolations,
        matrix.clients,
        open_loops or [None],
        matrix.network_rtt_ms or (None,),
        matrix.busy_wait_us,
        tuple(product(range(1, matrix.copies + 1), matrix.prepared_for)),
    )
    return [
        StrategyArm(
            strategy=strategy,
            loop=loop,
            workload=workload,
            profile=profile,
            isolation=isolation,
            clients=clients,
            pool_size=matrix.pool_size or clients,
            workers=matrix.workers,
            open_loop=open_loop,
            network_rtt_ms=network_rtt_ms,
            busy_wait_us=busy_wait_us,
            copy_number=copy_number,
            prepared_for=prepared_for,
        )
        for (
            strategy,
            loop,
            workload,
            profile,
            isolation,
            clients,
            open_loop,
            network_rtt_ms,
            busy_wait_us,
            (copy_number, prepared_for),
        ) in axes
    ]


def _expand_services(matrix: ServiceMatrix, strategies: list[Strategy]) -> list[ServiceArm]:
    axes = product(strategies, matrix.workloads, matrix.clients, matrix.instances, matrix.relays)
    return [
        ServiceArm(
            strategy=strategy,
            workload=workload,
            clients=clients,
            instances=instances,
            relays=relays,
            pool_size=matrix.pool_size or -(-clients // instances),
            processes=matrix.processes,
            warm_up_s=matrix.warm_up_s,
        )
        for strategy, workload, clients, instances, relays in axes
    ]


def _load_name(arm: PlannedArm) -> str:
    parts = [arm.workload, arm.profile, f"{arm.clients} clients"]
    if arm.isolation != "read committed":
        parts.append(arm.isolation)
    if arm.network_rtt_ms is not None:
        parts.append(f"{arm.network_rtt_ms:g} ms away")
    return "/".join(parts)
