"""The open loop in real time: what its generator can do on one core, and that it queues as it must.

The queueing part is compared with the theory exactly, in virtual time, by the tests; here it is
shown that neither the timers nor the event loop add to what arrivals wait.
"""

from __future__ import annotations

import asyncio
import os
from contextlib import contextmanager
from heapq import heapreplace
from pathlib import Path
from random import Random
from statistics import fmean
from time import monotonic_ns, process_time
from typing import TYPE_CHECKING, Any, TypeVar

import pytest
import uvloop

from outboxbench.analysis.latency import percentiles
from outboxbench.core.application.bootstrap import bootstrap
from outboxbench.core.application.retry import RetryPolicy
from outboxbench.core.domain.payments import Account
from outboxbench.harness.alarm import open_alarm
from outboxbench.harness.load.arrivals import Arrivals, arrival_times_ns
from outboxbench.harness.load.client import run_open_loop
from outboxbench.harness.load.command_mix import CommandMix
from outboxbench.harness.load.dataset import Dataset
from outboxbench.harness.load.job import OpenLoad, Window
from outboxbench.harness.load.recorder import Recorder
from outboxbench.results.histograms import to_hdr
from outboxbench.results.processor import first_usable_core

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator
    from typing import Self
    from uuid import UUID

    from outboxbench.core.application.outcome import Attempt
    from outboxbench.core.application.retry import OperationResult
    from outboxbench.harness.load.arrivals import Arrival, ArrivalProcess
    from outboxbench.harness.load.command_mix import Request

R = TypeVar("R", bound=Recorder)

SECOND_NS = 10**9
LEAD_NS = SECOND_NS // 20
DATASET = Dataset(accounts=1000, orders=1)
MAX_WAIT_S = 60.0

RATE_PER_S = 5_000.0
RATE_CLIENTS = 16
RATE_WINDOW_S = 5
LEAST_GOODPUT_SHARE = 0.99
MOST_LAG_US = 2_000.0
# Whatever else wants the core only adds to the lag.
TRIES = 3

SERVERS = 2
MEAN_SERVICE_S = 0.02
QUEUE_WINDOW_S = 20
MOST_DEVIATION_SHARE = 0.10


class FakePersistence:
    """Commits nothing; every commit lasts as long as `serve` does."""

    def __init__(self, serve: Callable[[], Awaitable[None]]) -> None:
        self._serve = serve

    def unit_of_work(self, attempt: Attempt) -> Any:  # noqa: ARG002
        return _FakeUnitOfWork(self._serve)

    async def close(self) -> None:
        pass


class _FakeUnitOfWork:
    def __init__(self, serve: Callable[[], Awaitable[None]]) -> None:
        self._serve = serve

    @property
    def accounts(self) -> _FakeAccounts:
        return _FakeAccounts()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        pass

    async def commit(self) -> None:
        await self._serve()


class _FakeAccounts:
    async def get(self, id: UUID) -> Account:
        return Account(id, version=1, balance_cents=10**12)

    async def save(self, aggregate: Account) -> None:
        pass


class TimingRecorder(Recorder):
    """Remembers of each operation when it was due, when it was sent and when it ended."""

    __slots__ = ("_ended_ns", "seen")

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._ended_ns = 0
        self.seen: list[tuple[int, int, int]] = []

    def record(
        self, request: Request, result: OperationResult, started_ns: int, ended_ns: int
    ) -> None:
        super().record(request, result, started_ns, ended_ns)
        self._ended_ns = ended_ns

    def record_lag(self, arrival: Arrival, started_ns: int) -> None:
        super().record_lag(arrival, started_ns)
        self.seen.append((arrival.due_ns, started_ns, self._ended_ns))


@pytest.mark.parametrize("process", ["poisson", "even"])
def test_one_core_holds_5000_arrivals_per_second_with_a_lag_of_2_ms(
    process: ArrivalProcess,
) -> None:
    load = OpenLoad(process, RATE_PER_S, MAX_WAIT_S, "1")
    lags_us: list[float] = []
    for _ in range(TRIES):
        with _on_one_core():
            began_s, waited_s = process_time(), _waited_for_the_core_s()
            recorder, window = _run(load, RATE_CLIENTS, RATE_WINDOW_S, _no_op, Recorder)
            cpu_share = (process_time() - began_s) / window.seconds
            waited_s = _waited_for_the_core_s() - waited_s

        due = sum(each >= window.opens_ns for each in arrival_times_ns(load, window))
        lag = percentiles(to_hdr(recorder.generator_lag_counts))
        goodput_per_s = recorder.ended_good / window.seconds
        print(
            f"\n{process}: {goodput_per_s:.0f} of {due / window.seconds:.0f} arrivals/s with "
            f"{cpu_share:.0%} of one core; generator lag p50 {lag.p50:.0f} µs, "
            f"p99 {lag.p99:.0f} µs, max {lag.max:.0f} µs; others had the core for "
            f"{waited_s * 1000:.0f} ms in between"
        )
        assert recorder.window_outcomes == {"ok": due}
        assert goodput_per_s >= LEAST_GOODPUT_SHARE * RATE_PER_S
        assert lag.p99 is not None
        lags_us.append(lag.p99)
        if lag.p99 <= MOST_LAG_US:
            break
    assert min(lags_us) <= MOST_LAG_US, "where others had the core, repeat it on a quiet machine"


@pytest.mark.parametrize("load_share", [0.5, 0.7])
def test_the_mean_wait_is_that_of_queueing_theory(load_share: float) -> None:
    rate_per_s = load_share * SERVERS / MEAN_SERVICE_S
    random = Random(3)

    async def serve() -> None:
        await _sleep_exactly(random.expovariate(1 / MEAN_SERVICE_S))

    load = OpenLoad("poisson", rate_per_s, MAX_WAIT_S, "1")
    recorder, _ = _run(load, SERVERS, QUEUE_WINDOW_S, serve, TimingRecorder)

    seen = sorted(recorder.seen)
    due_ns = [due for due, _, _ in seen]
    services_ns = [ended - started for _, started, ended in seen]
    measured_ms = fmean(started - due for due, started, _ in seen) / 1e6
    expected_ms = fmean(_waits_ns(due_ns, services_ns)) / 1e6
    print(
        f"\n{load_share:.0%} load, {SERVERS} servers, {len(seen)} arrivals: mean wait "
        f"{measured_ms:.3f} ms, {expected_ms:.3f} ms by Kiefer and Wolfowitz "
        f"({measured_ms / expected_ms - 1:+.2%})"
    )
    assert len(seen) > 0.8 * rate_per_s * QUEUE_WINDOW_S
    assert measured_ms == pytest.approx(expected_ms, rel=MOST_DEVIATION_SHARE)


def _run(
    load: OpenLoad,
    clients: int,
    window_s: int,
    serve: Callable[[], Awaitable[None]],
    make_recorder: type[R],
) -> tuple[R, Window]:
    """Run an open loop for a while on uvloop; returns what it recorded, and when."""

    async def work() -> tuple[R, Window]:
        begins_ns = monotonic_ns() + LEAD_NS
        window = Window.of(begins_ns, begins_ns, begins_ns + window_s * SECOND_NS)
        recorder = make_recorder(window, "start")
        bus = bootstrap(FakePersistence(serve))
        mixes = [CommandMix("charge", DATASET, f"1/{number}") for number in range(clients)]
        max_wait_ns = round(load.max_wait_s * SECOND_NS)
        with Arrivals(arrival_times_ns(load, window)) as arrivals:
            async with asyncio.TaskGroup() as tasks:
                for mix in mixes:
                    tasks.create_task(
                        run_open_loop(bus, mix, RetryPolicy(1), recorder, arrivals, max_wait_ns)
                    )
        return recorder, window

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(work())


def _waits_ns(due_ns: list[int], services_ns: list[int]) -> Iterator[int]:
    """Yield the wait of each arrival by the recursion of Kiefer and Wolfowitz."""
    free_at_ns = [0] * SERVERS
    for due, service in zip(due_ns, services_ns, strict=True):
        began = max(free_at_ns[0], due)
        heapreplace(free_at_ns, began + service)
        yield began - due


async def _no_op() -> None:
    pass


async def _sleep_exactly(duration_s: float) -> None:
    woken = asyncio.get_running_loop().create_future()
    alarm = open_alarm(lambda: woken.set_result(None))
    try:
        alarm.set(monotonic_ns() + round(duration_s * SECOND_NS))
        await woken
    finally:
        alarm.close()


def _waited_for_the_core_s() -> float:
    """How long this process could have run, and something else did."""
    return int(Path("/proc/self/schedstat").read_text(encoding="ascii").split()[1]) / 1e9


@contextmanager
def _on_one_core() -> Iterator[None]:
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {first_usable_core()})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)
