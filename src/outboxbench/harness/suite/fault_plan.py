"""From a suite to its arms under faults, and to the random order in which they come."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from random import Random
from typing import TYPE_CHECKING, NamedTuple

from outboxbench.analysis.history.operations import NONE_LOST, NONE_TWICE
from outboxbench.harness.errors import BadInput
from outboxbench.harness.faulting.order import Rhythm
from outboxbench.harness.faults.drawn import DrawnKinds
from outboxbench.harness.faults.registry import FAULTS
from outboxbench.harness.load.retrying import Retrying
from outboxbench.harness.strategies import load_measurable
from outboxbench.harness.suite.fault_relays import check_relays, relayings_of, workload_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from outboxbench.core.strategies.registry import Strategy
    from outboxbench.core.strategies.settings import Isolation, Profile
    from outboxbench.harness.environments.worker_environment import WorkerEnvironment
    from outboxbench.harness.faulting.order import Relaying
    from outboxbench.harness.faults.doors import FindBy
    from outboxbench.harness.faults.drawn import Kinds
    from outboxbench.harness.load.job import Loop
    from outboxbench.harness.suite.fault_model import FaultMatrix, SynchronousCommit
    from outboxbench.harness.suite.model import Suite


class Sizing(NamedTuple):
    """All that the capacity of clients depends on; each of them has a connection."""

    strategy: str
    loop: Loop
    profile: Profile
    workload: str
    clients: int
    workers: int
    busy_wait_us: float
    isolation: Isolation
    synchronous_commit: SynchronousCommit
    retrying: Retrying


@dataclass(frozen=True, slots=True)
class FaultArm:
    """A strategy that lives through a fault again and again, or through several in turns."""

    strategy: Strategy
    kind: Kinds
    loop: Loop
    profile: Profile
    retrying: Retrying
    synchronous_commit: SynchronousCommit
    isolation: Isolation
    workload: str
    rate_per_s: float
    clients: int
    workers: int
    max_wait_s: float
    rhythm: Rhythm
    busy_wait_us: float
    slo_ms: float
    find_by: FindBy = "proxy"
    relaying: Relaying | None = None
    measures_capacity: bool = False
    environment: WorkerEnvironment | None = None

    @property
    def name(self) -> str:
        """The arm's identity, the same in every run that measures it."""
        name = (
            f"{self.kind.name}/{self.strategy.name}/{self.loop}/{self.profile}/"
            f"{self.retrying.mode} retries/{self._load}"
            + ("" if self.synchronous_commit == "on" else "/synchronous_commit off")
            + ("" if self.isolation == "read committed" else f"/{self.isolation}")
        )
        if self.environment is not None:
            name += f"/{self.environment.name}"
        if self.find_by == "hosts":
            name += "/found by hosts"
        if self.busy_wait_us:
            name += f"/{self.busy_wait_us:g} µs slower"
        relaying = self.relaying
        if relaying is None:
            return name
        relays = f"{relaying.relays} relay{'' if relaying.relays == 1 else 's'}"
        return f"{name}/{relays}/{relaying.plan}/{relaying.broker}/{relaying.wake_up}"

    @property
    def sizing(self) -> Sizing:
        """What decides how much its clients can do: arms that share it differ in what comes."""
        return Sizing(
            self.strategy.name,
            self.loop,
            self.profile,
            self.workload,
            self.clients,
            self.workers,
            self.busy_wait_us,
            self.isolation,
            self.synchronous_commit,
            self.retrying,
        )

    @property
    def chances(self) -> str:
        """What its load and the moments of its injections are drawn from, beside the suite's seed.

        The same for all strategies, so that each meets the same.
        """
        return f"{self.kind.name}/{self._load}"

    @property
    def _load(self) -> str:
        return f"{self.workload}/{self.rate_per_s:g} per s"

    @property
    def expected_findings(self) -> tuple[str, ...]:
        """The checks that such an arm is there to fail: its loss, or its repetitions, are found."""
        expected = []
        if self.kind.may_lose_commits(are_flushed=self.synchronous_commit == "on"):
            expected.append(NONE_LOST)
        if self.retrying.mode == "naive":
            expected.append(NONE_TWICE)
        return tuple(expected)


def plan_faults(suite: Suite, only: frozenset[str] = frozenset()) -> tuple[FaultArm, ...]:
    """Expand what a suite says of faults, in an order that the seed determines.

    `only` are the strategies to measure, as for the other parts of a suite.

    Raises:
        BadInput: a strategy is not registered, or needs no server; a fault has nothing to hit;
            or two arms differ in what their names do not say.
        CannotRun: a strategy is registered but cannot be loaded here.
    """
    guests = suite.guests(only)
    named: dict[str, FaultArm] = {}
    for matrix in suite.faults:
        check_relays(matrix)
        kept = [name for name in matrix.strategies if not only or name in only]
        strategies = [load_measurable(name) for name in kept + guests]
        for arm in _expand(matrix, strategies, suite.window_s):
            if named.setdefault(arm.name, arm) != arm:
                raise BadInput(
                    f"the suite {suite.name} has two arms {arm.name} that differ only in what "
                    "their names do not say: measure them in two suites"
                )
    arms = tuple(named.values())
    return tuple(Random(f"{suite.seed}/faults").sample(arms, len(arms)))  # noqa: S311 - an order


def _expand(matrix: FaultMatrix, strategies: list[Strategy], window_s: float) -> Iterator[FaultArm]:
    rhythm = (
        Rhythm.filling(window_s, matrix.clean_s, matrix.hold_s, matrix.recovery_s)
        if matrix.drawn
        else Rhythm(matrix.injections, matrix.clean_s, matrix.hold_s, matrix.recovery_s)
    )
    database = tuple(product(matrix.synchronous_commit, matrix.find_by, matrix.isolations))
    load = tuple(product(matrix.rates_per_s, matrix.busy_wait_us, tuple(relayings_of(matrix))))
    for strategy, kind, loop, profile, mode in product(
        strategies, _kinds_of(matrix), matrix.loops, matrix.profiles, matrix.retries
    ):
        for (synchronous_commit, find_by, isolation), (
            rate_per_s,
            busy_wait_us,
            relaying,
        ) in product(database, load):
            yield FaultArm(
                strategy=strategy,
                kind=kind,
                loop=loop,
                profile=profile,
                retrying=Retrying(
                    mode,
                    matrix.max_attempts,
                    matrix.first_retry_s,
                    matrix.longest_retry_s,
                    matrix.retry_budget,
                ),
                synchronous_commit=synchronous_commit,
                isolation=isolation,
                workload=workload_of(matrix),
                rate_per_s=rate_per_s,
                clients=matrix.clients,
                workers=matrix.workers,
                max_wait_s=matrix.max_wait_s,
                rhythm=rhythm,
                busy_wait_us=busy_wait_us,
                slo_ms=matrix.slo_ms,
                find_by=find_by,
                relaying=relaying,
                measures_capacity=matrix.measures_capacity,
            )


def _kinds_of(matrix: FaultMatrix) -> tuple[Kinds, ...]:
    """Return what the arms of a strategy live through: a fault each, or one arm all of them."""
    kinds = tuple(FAULTS[name] for name in dict.fromkeys(matrix.faults))
    return (DrawnKinds(kinds),) if matrix.drawn else kinds
