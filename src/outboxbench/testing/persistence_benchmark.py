"""What the fixture `persistence_benchmark` gives: it measures, and returns what to assert on."""

from __future__ import annotations

import asyncio
import math
import random
import statistics
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, TypeVar

import pytest

from outboxbench.analysis.comparison import MIN_ROUNDS
from outboxbench.analysis.decision import MIN_MARGIN, decide, excess_p_value
from outboxbench.analysis.intervals import Paired
from outboxbench.analysis.latency import percentiles
from outboxbench.analysis.verdict import combine
from outboxbench.core.application.outcome import Outcome
from outboxbench.core.strategies.registry import Strategy
from outboxbench.harness.errors import BadInput, HarnessError
from outboxbench.harness.strategies import load_measurable
from outboxbench.results.buckets import clamp_us, counts_index
from outboxbench.results.histograms import to_hdr
from outboxbench.testing.benchmark_result import BenchmarkRatio, BenchmarkResult
from outboxbench.testing.measurement import Counted, OperationFailed, Pass, Timed
from outboxbench.testing.strategy_subject import StrategySubject
from outboxbench.testing.transaction import Setup, Transaction, TransactionSubject

if TYPE_CHECKING:
    from collections.abc import Sequence

    from outboxbench.core.strategies.settings import Profile
    from outboxbench.testing.benchmark_server import BenchmarkServer
    from outboxbench.testing.subject import Subject

Measurable = str | Strategy | Transaction | Callable[[Any], Awaitable[Any]]
"""The name of a registered strategy, a strategy, or a transaction: alone, or with all it needs."""

OPERATIONS = 100
OPERATIONS_PER_ROUND = 50
ROUNDS = 10

T = TypeVar("T")


class PersistenceBenchmark:
    """Measures transactions, on an event loop of its own: call it from a plain `def test_…`."""

    def __init__(self, server: BenchmarkServer) -> None:
        self._server = server

    def __call__(
        self,
        measured: Measurable,
        *,
        schema: str = "",
        setup: Setup | None = None,
        operations: int = OPERATIONS,
        allow_failures: bool = False,
        workload: str = "charge",
        profile: Profile = "matched",
    ) -> BenchmarkResult:
        """Count what one operation takes, and time it.

        Args:
            measured: a transaction, or a strategy.
            schema: SQL that makes the tables of a transaction; see `Transaction`.
            setup: opens what a transaction is given; see `Transaction`.
            operations: how many are counted, and then how many are timed, after a warm-up.
            allow_failures: whether operations that are not `ok`, and a verdict other than `pass`,
                are returned and do not fail the test. Where they were counted nothing is timed.
            workload: the commands that a strategy handles.
            profile: how a strategy is opened.
        """
        __tracebackhide__ = True

        def measure(runner: asyncio.Runner) -> BenchmarkResult:
            _require("operations", operations, 1)
            subject = self._subject(measured, schema, setup, workload, profile)
            one = Pass(subject, self._server, operations, allows_failures=allow_failures)
            counted = one.count(runner)
            all_ok = counted.outcomes == {Outcome.OK: operations}
            timed = one.time(runner) if all_ok else Timed([], Counter(), ())
            return _result(subject.name, operations, counted, timed)

        return _on_a_loop(measure)

    def compare(
        self,
        base: Measurable,
        head: Measurable,
        *,
        rounds: int = ROUNDS,
        schema: str = "",
        setup: Setup | None = None,
        operations: int = OPERATIONS_PER_ROUND,
        margin: float = MIN_MARGIN,
        workload: str = "charge",
        profile: Profile = "matched",
    ) -> BenchmarkRatio:
        """Tell how long `head` takes relative to `base`, by their median latencies.

        Each round times both, each on a fresh database, in random order: what slows the machine for
        a while slows both.

        Args:
            base: what `head` is held against.
            head: what may be faster, or slower.
            rounds: how often; more of them make the interval narrower.
            schema: SQL for both; where they differ, make each a `Transaction`.
            setup: opens what each is given; where they differ, make each a `Transaction`.
            operations: how many are timed in each round, after a warm-up.
            margin: the share up to which a difference counts as none.
            workload: the commands that a strategy handles.
            profile: how a strategy is opened.
        """
        __tracebackhide__ = True

        def measure(runner: asyncio.Runner) -> BenchmarkRatio:
            _require("operations", operations, 1)
            _require("rounds", rounds, MIN_ROUNDS)
            if margin <= 0:
                raise BadInput(f"margin is {margin}: it must be more than 0, as 0.05 for 5%")
            sides = [self._subject(side, schema, setup, workload, profile) for side in (base, head)]
            blocks = [Pass(side, self._server, operations, allows_failures=False) for side in sides]
            medians_us: tuple[list[float], list[float]] = ([], [])
            for _ in range(rounds):
                for side in random.sample((0, 1), 2):
                    timed = blocks[side].time(runner)
                    medians_us[side].append(statistics.median(timed.latencies_ns) / 1000)
            names = (sides[0].name, sides[1].name)
            return _ratio(names, *medians_us, margin)

        return _on_a_loop(measure)

    def _subject(
        self,
        measured: Measurable,
        schema: str,
        setup: Setup | None,
        workload: str,
        profile: Profile,
    ) -> Subject:
        if isinstance(measured, str | Strategy):
            if schema or setup is not None:
                raise BadInput("a strategy brings its own tables: leave out schema and setup")
            strategy = load_measurable(measured) if isinstance(measured, str) else measured
            return StrategySubject(strategy, workload, profile, self._server)
        if isinstance(measured, Transaction):
            whole = Transaction(
                measured.run,
                measured.schema or schema,
                measured.setup or setup,
                measured.name,
            )
            return TransactionSubject(whole, self._server)
        if not callable(measured):
            raise BadInput(
                f"{measured!r} cannot be measured: give an `async def`, a Transaction, a Strategy "
                "or the name of one"
            )
        return TransactionSubject(Transaction(measured, schema, setup), self._server)


def _on_a_loop(measure: Callable[[asyncio.Runner], T]) -> T:
    """Call it with an event loop; what it raises for the user is raised without our own frames."""
    __tracebackhide__ = True
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        pass
    else:
        pytest.fail(
            "persistence_benchmark runs an event loop of its own: call it from a plain "
            "`def test_…`, not from an `async def`"
        )
    problem: BaseException
    cause: BaseException | None = None
    try:
        with asyncio.Runner() as runner:
            return measure(runner)
    except HarnessError as error:
        problem = pytest.fail.Exception(str(error))
    except OperationFailed as error:
        problem, cause = OperationFailed(*error.args), error.__cause__
    raise problem from cause


def _require(name: str, number: int, least: int) -> None:
    if number < least:
        raise BadInput(f"{name} is {number}: it must be at least {least}")


def _result(name: str, operations: int, counted: Counted, timed: Timed) -> BenchmarkResult:
    each, wal = counted.per_operation, counted.wal
    checks = (*counted.checks, *timed.checks)
    buckets = Counter(
        counts_index(clamp_us(latency_ns // 1000)) for latency_ns in timed.latencies_ns
    )
    return BenchmarkResult(
        name=name,
        round_trips=each.round_trips,
        statements=each.statements,
        commits=each.commits,
        rollbacks=each.rollbacks,
        bytes_sent=each.frontend_bytes,
        bytes_received=each.backend_bytes,
        frontend_messages=each.frontend_messages,
        backend_messages=each.backend_messages,
        wal_bytes=None if wal is None else wal.bytes / operations,
        wal_records=None if wal is None else wal.records / operations,
        latency_us=percentiles(to_hdr(buckets)),
        outcomes=dict(counted.outcomes + timed.outcomes),
        verdict=combine(check.verdict for check in checks),
        checks=checks,
    )


def _ratio(
    names: tuple[str, str], base_us: Sequence[float], head_us: Sequence[float], margin: float
) -> BenchmarkRatio:
    mean = Paired(
        [math.log(head / base) for base, head in zip(base_us, head_us, strict=True)]
    ).mean()
    interval = mean.t_interval()
    decision = decide(mean, margin, excess_p_value(mean, margin), higher_is_better=False)
    return BenchmarkRatio(
        base=names[0],
        head=names[1],
        ratio=interval.ratio,
        low=interval.low,
        high=interval.high,
        decision=decision,
        margin=margin,
        rounds=len(base_us),
        base_us=statistics.median(base_us),
        head_us=statistics.median(head_us),
    )
