"""Has commands run one by one, each on a fresh database that is judged when it is through."""

from __future__ import annotations

import secrets
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

from outboxbench.analysis.checks import judge_block
from outboxbench.core.strategies.settings import StrategySettings
from outboxbench.harness.cost.worker_process import CostWorker
from outboxbench.harness.load.command_mix import CommandMix
from outboxbench.harness.load.dataset import Dataset
from outboxbench.harness.load.job import Job
from outboxbench.harness.postgres.databases import Databases
from outboxbench.harness.postgres.final_state import read_final_state, wait_until_unused
from outboxbench.harness.suite.model import DatasetSize
from outboxbench.harness.suite.template import prepare_template
from outboxbench.results.final_state import ClientTally

if TYPE_CHECKING:
    from collections.abc import Iterator

    from outboxbench.core.strategies.settings import DatabaseAddress
    from outboxbench.harness.cost.answers import Measured
    from outboxbench.harness.cost.plan import CostPlan, PlannedCommand
    from outboxbench.harness.janitor import Janitor
    from outboxbench.harness.postgres.server import Server
    from outboxbench.results.block import Check
    from outboxbench.results.final_state import FinalState

SEED = "cost"
"""The same for all: every strategy is asked for the same operations."""

SIZE = DatasetSize()
"""That of a suite which does not say otherwise."""

T = TypeVar("T")
Figures = TypeVar("Figures", covariant=True)


class CostObserver(Protocol):
    """Hears how the prices come along."""

    def preparing(self, what: str) -> None:
        """Something takes a moment."""
        ...

    def command_started(self, name: str) -> None:
        """The next command is to be counted, or timed."""
        ...

    def command_finished(self) -> None:
        """It is through."""
        ...


class Meter(Protocol[Figures]):
    """What is read of a command."""

    def measure(
        self, worker: CostWorker, job: Job, databases: Databases
    ) -> tuple[Measured, Figures]:
        """Have the worker open the job, run its operations and close again."""
        ...


@dataclass(frozen=True, slots=True)
class Priced(Generic[T]):
    """What a meter read of a command, and whether the operations did what they should."""

    figures: T
    checks: tuple[Check, ...]


@contextmanager
def filled_databases(server: Server) -> Iterator[tuple[Databases, FinalState]]:
    """Return databases that are copies of one with the usual content, and what that is."""
    with Databases(server, secrets.token_hex(4)) as databases:
        template = databases.create_template(lambda address: prepare_template(address, SIZE))
        yield databases, read_final_state(template)


def price_all(
    plan: CostPlan,
    meter: Meter[T],
    server: Server,
    janitor: Janitor,
    observer: CostObserver,
    doing: str,
) -> dict[PlannedCommand, Priced[T]]:
    """Measure every command of the plan.

    Raises:
        CannotRun: a worker failed, or an operation was not `ok`.
    """
    priced: dict[PlannedCommand, Priced[T]] = {}
    observer.preparing("filling the template database")
    with filled_databases(server) as (databases, before):
        for strategy in plan.strategies:
            with CostWorker(strategy.name, janitor, plan.environment) as worker:
                for command in plan.commands_of(strategy):
                    observer.command_started(f"{doing} {command.name}")
                    priced[command] = _price(
                        command, meter, worker, databases, before, server.major
                    )
                    observer.command_finished()
    return priced


def _price(
    command: PlannedCommand,
    meter: Meter[T],
    worker: CostWorker,
    databases: Databases,
    before: FinalState,
    server_major: int,
) -> Priced[T]:
    with ExitStack() as stack:
        address = databases.create(f"{command.profile}_{command.workload}")
        stack.callback(databases.drop, address)
        measured, figures = meter.measure(worker, _job(command, address, server_major), databases)
        wait_until_unused(address)
        tally = ClientTally(
            outcomes={name: {"ok": count} for name, count in measured.committed.items()},
            topics=CommandMix.TOPICS,
            charged_cents=measured.charged_cents,
        )
        return Priced(figures, judge_block(tally, before, read_final_state(address)))


def _job(command: PlannedCommand, address: DatabaseAddress, server_major: int) -> Job:
    return Job(
        # One connection: what a command takes must not depend on which one it gets.
        settings=StrategySettings(
            address, profile=command.profile, pool_size=1, server_major=server_major
        ),
        loop="uvloop",
        mix=command.workload,
        clients=1,
        first_client=0,
        dataset=Dataset(SIZE.accounts, SIZE.orders),
        seed=SEED,
        max_attempts=1,
    )
