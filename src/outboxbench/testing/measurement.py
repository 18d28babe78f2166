"""Runs an operation a fixed number of times after a warm-up: counted, or timed, never both.

What is counted goes through the wire proxy, which takes time; what is timed goes straight to the
server. Each has a database of its own.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from outboxbench.analysis.verdict import combine
from outboxbench.core.application.outcome import Outcome
from outboxbench.testing.wire_evidence import (
    Seen,
    checks_of,
    is_left_open,
    outcome_checks,
    proved,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from outboxbench.core.strategies.settings import DatabaseAddress
    from outboxbench.harness.postgres.wal import WalVolume
    from outboxbench.harness.wire.counts import WireCost
    from outboxbench.results.block import Check
    from outboxbench.results.document import Verdict
    from outboxbench.testing.benchmark_server import BenchmarkServer
    from outboxbench.testing.subject import Ended, Operation, Subject

WARM_UPS = 20
"""The server settles on a plan when it has run a prepared statement for five times, and psycopg
prepares a statement only when it runs for the sixth time."""

SETTLING_S = 0.05
"""A connection may be given back, and reset, behind the answer that ends an operation."""


class OperationFailed(AssertionError):
    """An operation did not do what it is measured for."""


@dataclass(frozen=True, slots=True)
class Counted:
    """What an operation takes, on average; `wal` is that of all operations."""

    per_operation: WireCost
    wal: WalVolume | None
    outcomes: Counter[str]
    checks: tuple[Check, ...]


@dataclass(frozen=True, slots=True)
class Timed:
    """How long each `ok` operation took."""

    latencies_ns: Sequence[int]
    outcomes: Counter[str]
    checks: tuple[Check, ...]


class Pass:
    """One pass over a subject.

    Args:
        subject: what is measured.
        server: what it is measured on.
        operations: how many, after the warm-up.
        allows_failures: whether what is not `ok` is only counted.
    """

    def __init__(
        self, subject: Subject, server: BenchmarkServer, operations: int, *, allows_failures: bool
    ) -> None:
        self._subject = subject
        self._server = server
        self._operations = operations
        self._allows_failures = allows_failures

    def count(self, runner: asyncio.Runner) -> Counted:
        """Count what passes the wire, and what goes into the log.

        Raises:
            OperationFailed: an operation was not `ok`, unless that is allowed.
        """
        with self._subject.database() as address:
            counted = runner.run(self._count(self._server.through_proxy(address)))
            checks = (*counted.checks, *self._subject.checks(address))
        self._require_pass(checks)
        return Counted(counted.per_operation, counted.wal, counted.outcomes, checks)

    def time(self, runner: asyncio.Runner) -> Timed:
        """Time operations one after the other.

        Raises:
            OperationFailed: an operation was not `ok`, unless that is allowed.
        """
        with self._subject.database() as address:
            latencies_ns, outcomes = runner.run(self._time(address))
            checks = (*outcome_checks(outcomes), *self._subject.checks(address))
        self._require_pass(checks)
        return Timed(latencies_ns, Counter(outcome.value for outcome in outcomes), checks)

    async def _count(self, address: DatabaseAddress) -> Counted:
        server = self._server
        seen: list[Seen] = []
        async with self._subject.opened(address) as operation:
            for _ in range(WARM_UPS):
                self._require_ok((await self._watched(operation)).ended)
            await asyncio.sleep(SETTLING_S)
            position, last_id = server.wal_position(), server.last_transaction_id()
            before = server.proxy.counts()
            for _ in range(self._operations):
                seen.append(await self._watched(operation))
                self._require_ok(seen[-1].ended)
            await asyncio.sleep(SETTLING_S)
            wire = server.proxy.counts() - before
            has_written = server.last_transaction_id() > last_id
            wal = server.wal_since(position)
        outcomes = [each.ended.outcome for each in seen]
        return Counted(
            wire.per_operation(self._operations),
            wal,
            Counter(outcome.value for outcome in outcomes),
            (*outcome_checks(outcomes), *checks_of(seen, has_written=has_written)),
        )

    async def _watched(self, operation: Operation) -> Seen:
        proxy = self._server.proxy
        before = proxy.counts()
        ended = await operation()
        wire = proxy.counts() - before
        if is_left_open(wire):
            # It may end behind the back of the operation, in a task of a pool.
            await asyncio.sleep(SETTLING_S)
            wire = proxy.counts() - before
        seen = Seen(ended, wire)
        return seen._replace(ended=proved(seen))

    async def _time(self, address: DatabaseAddress) -> tuple[list[int], list[Outcome]]:
        latencies_ns, outcomes = [], []
        async with self._subject.opened(address) as operation:
            for _ in range(WARM_UPS):
                self._require_ok(await operation())
            for _ in range(self._operations):
                began_ns = time.perf_counter_ns()
                ended = await operation()
                took_ns = time.perf_counter_ns() - began_ns
                outcomes.append(ended.outcome)
                if ended.outcome is Outcome.OK:
                    latencies_ns.append(took_ns)
                else:
                    self._require_ok(ended)
        return latencies_ns, outcomes

    def _require_ok(self, ended: Ended) -> None:
        if ended.outcome is Outcome.OK or self._allows_failures:
            return
        reason = (str(ended.error).splitlines() or [""])[0]
        raise OperationFailed(
            f"{self._subject.name} ended {ended.outcome.value} "
            f"({type(ended.error).__name__}: {reason}): where that is what you test, "
            "pass allow_failures=True and assert on `outcomes`"
        ) from ended.error

    def _require_pass(self, checks: tuple[Check, ...]) -> None:
        verdict: Verdict = combine(check.verdict for check in checks)
        if verdict == "pass" or self._allows_failures:
            return
        found = "; ".join(
            f"{check.name} ({check.detail})" for check in checks if check.verdict != "pass"
        )
        raise OperationFailed(
            f"the verdict over {self._subject.name} is {verdict}, so its figures say nothing; "
            f"not so: {found}"
        )
