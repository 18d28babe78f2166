"""From a suite to its relay arms, and to the random order in which each round measures them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import product
from random import Random
from typing import TYPE_CHECKING, Literal, TypeAlias

from outboxbench.harness.errors import BadInput
from outboxbench.harness.relaying.backlog import Backlog
from outboxbench.harness.strategies import load_measurable
from outboxbench.harness.suite.order import random_rounds

if TYPE_CHECKING:
    from collections.abc import Sequence

    from outboxbench.core.application.outbox import AnyRelayPlan
    from outboxbench.core.strategies.registry import Strategy
    from outboxbench.harness.load.job import Loop
    from outboxbench.harness.relaying.job import BrokerName, WakeUp
    from outboxbench.harness.suite.model import Suite
    from outboxbench.harness.suite.relay_model import ChainMatrix, DrainMatrix, RelayMatrix


ArmWakeUp: TypeAlias = "WakeUp | Literal['stream']"
"""How a relay learns of a commit; by `stream` the log itself tells."""


@dataclass(frozen=True, slots=True)
class _Relaying:
    strategy: Strategy
    loop: Loop
    plan: AnyRelayPlan
    broker: BrokerName
    relays: int
    lease_s: float

    @property
    def _relaying_name(self) -> str:
        count = f"{self.relays} relay{'' if self.relays == 1 else 's'}"
        return f"{self.strategy.name}/{self.loop}/{self.plan}/{self.broker}/{count}"


@dataclass(frozen=True, slots=True)
class DrainArm(_Relaying):
    """Relays that deliver a backlog as fast as they can."""

    backlog: Backlog
    batch: int
    busy_us: float

    @property
    def name(self) -> str:
        """The arm's identity, the same in every run that measures it."""
        parts = [f"drain/{self._relaying_name}", self.backlog.shape, f"batches of {self.batch}"]
        if self.busy_us:
            parts.append(f"{self.busy_us:g} µs each")
        return "/".join(parts)


@dataclass(frozen=True, slots=True)
class ChainArm(_Relaying):
    """Relays that keep up with orders."""

    orders_per_s: float
    clients: int
    handlers: int
    wake_up: ArmWakeUp
    batch: int

    @property
    def name(self) -> str:
        """The arm's identity, the same in every run that measures it."""
        return f"chain/{self._relaying_name}/{self.wake_up}/{self.orders_per_s:g} orders per s"


RelayingArm: TypeAlias = DrainArm | ChainArm


@dataclass(frozen=True, slots=True)
class RelayRounds:
    """The relay arms, and for each round the order in which they come."""

    arms: tuple[RelayingArm, ...]
    rounds: tuple[tuple[RelayingArm, ...], ...]

    @property
    def blocks(self) -> int:
        """How many blocks there are."""
        return sum(len(order) for order in self.rounds)

    @property
    def read_the_log(self) -> bool:
        """Whether the server has to let its log be read."""
        return any(arm.plan == "log" for arm in self.arms)


NO_RELAYS = RelayRounds((), ())


def plan_relays(suite: Suite, only: frozenset[str] = frozenset()) -> RelayRounds:
    """Expand what a suite says of relays.

    Args:
        suite: what to measure.
        only: the strategies to measure; the suite's own if empty. One that the suite names stays
            where it is named, any other comes into every matrix.

    Raises:
        BadInput: a strategy is not registered, or needs no server.
        CannotRun: a strategy is registered but cannot be loaded here.
    """
    guests = suite.guests(only)

    def chosen(matrix: RelayMatrix) -> list[Strategy]:
        kept = [name for name in matrix.strategies if not only or name in only]
        return [load_measurable(name) for name in kept + guests]

    arms: list[RelayingArm] = [
        *(arm for matrix in suite.drains for arm in _drains(matrix, chosen(matrix))),
        *(arm for matrix in suite.chains for arm in _chains(matrix, chosen(matrix))),
    ]
    named: dict[str, RelayingArm] = {}
    for arm in arms:
        if named.setdefault(arm.name, arm) != arm:
            raise BadInput(
                f"the suite {suite.name} has two arms {arm.name} that differ only in what their "
                "names do not say: measure them in two suites"
            )
    ordered = tuple(named.values())
    random = Random(f"{suite.seed}/relays")  # noqa: S311 - an order, no secret
    return RelayRounds(ordered, random_rounds(ordered, load_of, suite.rounds, random))


def load_of(arm: RelayingArm) -> tuple[Backlog | float, float]:
    """What arms that are set against each other have in common."""
    if isinstance(arm, DrainArm):
        return arm.backlog, arm.busy_us
    return arm.orders_per_s, 0.0


def reference_of(
    arm: RelayingArm, arms: Sequence[RelayingArm], reference: str
) -> RelayingArm | None:
    """Return the arm that differs in the strategy alone, or else in the plan alone; None if none.

    Strategies are compared with the reference strategy, and its plans with its plan `lease`.
    """
    if arm.strategy.name != reference:
        found = (
            other
            for other in arms
            if other.strategy.name == reference and replace(other, strategy=arm.strategy) == arm
        )
    elif arm.plan != "lease":
        found = (
            other
            for other in arms
            if other.plan == "lease" and replace(other, plan=arm.plan) == arm
        )
    else:
        return None
    return next(found, None)


def _drains(matrix: DrainMatrix, strategies: list[Strategy]) -> list[DrainArm]:
    return [
        DrainArm(
            strategy=strategy,
            loop=loop,
            plan=plan,
            broker=broker,
            relays=relays,
            lease_s=matrix.lease_s,
            backlog=Backlog(matrix.messages, matrix.aggregates, shape),
            batch=batch,
            busy_us=busy_us,
        )
        for strategy, loop, plan, broker, relays, shape, batch, busy_us in product(
            strategies,
            matrix.loops,
            matrix.plans,
            matrix.brokers,
            matrix.relays,
            matrix.shapes,
            matrix.batches,
            matrix.busy_us,
        )
    ]


def _chains(matrix: ChainMatrix, strategies: list[Strategy]) -> list[ChainArm]:
    return [
        ChainArm(
            strategy=strategy,
            loop=loop,
            plan=plan,
            broker=broker,
            relays=relays,
            lease_s=matrix.lease_s,
            orders_per_s=matrix.orders_per_s,
            clients=matrix.clients,
            handlers=matrix.handlers,
            wake_up="stream" if plan == "log" else wake_up,
            batch=matrix.batch,
        )
        for strategy, loop, plan, broker, relays, wake_up in product(
            strategies,
            matrix.loops,
            matrix.plans,
            matrix.brokers,
            matrix.relays,
            matrix.wake_ups,
        )
    ]
