"""A strategy as something to measure: the commands of a workload, judged by what they left."""

from __future__ import annotations

from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING, get_args

from outboxbench.analysis.checks import judge_block
from outboxbench.core.application.bootstrap import bootstrap
from outboxbench.core.application.retry import RetryPolicy, run_operation
from outboxbench.core.strategies.settings import Profile, StrategySettings
from outboxbench.harness.errors import BadInput
from outboxbench.harness.load.command_mix import CommandMix
from outboxbench.harness.load.dataset import Dataset
from outboxbench.harness.load.job import NEVER
from outboxbench.harness.load.recorder import Recorder
from outboxbench.harness.postgres.final_state import read_final_state, wait_until_unused
from outboxbench.results.final_state import ClientTally
from outboxbench.testing.benchmark_server import SIZE
from outboxbench.testing.subject import Ended

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable, Iterator

    from outboxbench.core.strategies.registry import Strategy
    from outboxbench.core.strategies.settings import DatabaseAddress
    from outboxbench.results.block import Check
    from outboxbench.results.final_state import FinalState
    from outboxbench.testing.benchmark_server import BenchmarkServer
    from outboxbench.testing.subject import Operation

ONCE = RetryPolicy(1)
SEED = "persistence_benchmark"
"""The same for all: every strategy is asked for the same operations."""


class StrategySubject:
    """A strategy on a database that holds accounts and orders, with one connection.

    Raises:
        BadInput: the workload or the profile is unknown, or the strategy needs no server.
    """

    def __init__(
        self, strategy: Strategy, workload: str, profile: Profile, server: BenchmarkServer
    ) -> None:
        if not strategy.needs_server:
            raise BadInput(
                f"the strategy {strategy.name} needs no server, so it cannot be measured on one"
            )
        _refuse_unknown("workload", workload, CommandMix.SHARES)
        _refuse_unknown("profile", profile, get_args(Profile))
        self.name = f"{strategy.name} {workload}"
        self._strategy = strategy
        self._workload = workload
        self._profile = profile
        self._server = server
        self._recorder = Recorder(NEVER)
        self._before: FinalState | None = None

    @contextmanager
    def database(self) -> Iterator[DatabaseAddress]:
        """Give a database with accounts and orders."""
        with self._server.filled_database() as (address, self._before):
            self._recorder = Recorder(NEVER)
            yield address

    @asynccontextmanager
    async def opened(self, address: DatabaseAddress) -> AsyncIterator[Operation]:
        """Open the strategy, and give what handles its next command."""
        # One connection: what a command takes must not depend on which one it gets.
        settings = StrategySettings(
            address, profile=self._profile, pool_size=1, server_major=self._server.major
        )
        persistence = await self._strategy.open(settings)
        try:
            bus = bootstrap(persistence)
            mix = CommandMix(self._workload, Dataset(SIZE.accounts, SIZE.orders), SEED)

            async def run() -> Ended:
                request = mix.next()
                result = await run_operation(bus, request.command, request.op_id, ONCE)
                self._recorder.record(request, result, 0, 0)
                return Ended(result.outcome, result.error)

            yield run
        finally:
            await persistence.close()

    def checks(self, address: DatabaseAddress) -> tuple[Check, ...]:
        """Hold the database against what the operations were told."""
        assert self._before is not None
        wait_until_unused(address)
        outcomes: dict[str, dict[str, int]] = {}
        for outcome, counts in self._recorder.outcomes.items():
            for command, number in counts.items():
                outcomes.setdefault(command, {})[outcome] = number
        tally = ClientTally(outcomes, CommandMix.TOPICS, self._recorder.charged_cents)
        return judge_block(tally, self._before, read_final_state(address))


def _refuse_unknown(what: str, name: str, known: Iterable[str]) -> None:
    names = sorted(known)
    if name not in names:
        raise BadInput(f"there is no {what} {name!r}: it is one of {', '.join(names)}")
