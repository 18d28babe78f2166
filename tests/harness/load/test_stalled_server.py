"""A real server that stands still shows in an open loop, in its percentiles and over time."""

from __future__ import annotations

import os
import signal
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

import psutil
import pytest

from outboxbench.analysis.latency import percentiles
from outboxbench.core.strategies.settings import StrategySettings
from outboxbench.harness.load.arrivals import arrival_times_ns
from outboxbench.harness.load.dataset import Dataset
from outboxbench.harness.load.job import Job, OpenLoad, Window
from outboxbench.harness.load.worker_process import GRACE_S, WorkerProcess
from outboxbench.results.histograms import merge, to_hdr

if TYPE_CHECKING:
    from collections.abc import Iterator

    from outboxbench.core.strategies.settings import DatabaseAddress
    from outboxbench.harness.janitor import Janitor
    from outboxbench.harness.postgres.server import Server

CLIENTS = 4
LOAD = OpenLoad("poisson", 200.0, 60.0, "1/0/arrivals")
WINDOW_S = 20
STALL_AT_S, STALL_S = 9, 2
SECOND_NS = 10**9


@contextmanager
def standing_still(postmaster_pid: int) -> Iterator[None]:
    """Stop every process of a server, the one that starts others first."""
    stopped: list[int] = []
    try:
        stopped.append(postmaster_pid)
        os.kill(postmaster_pid, signal.SIGSTOP)
        for child in psutil.Process(postmaster_pid).children(recursive=True):
            stopped.append(child.pid)
            child.suspend()
        yield
    finally:
        for pid in stopped:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)


def sleep_until(moment_ns: int) -> None:
    time.sleep(max(0.0, (moment_ns - time.monotonic_ns()) / SECOND_NS))


@pytest.mark.slow
def test_a_server_that_stands_still_for_two_seconds_shows_in_the_percentiles_and_over_time(
    seeded: DatabaseAddress, postgres_server: Server, janitor: Janitor
) -> None:
    job = Job(
        settings=StrategySettings(seeded, pool_size=CLIENTS),
        loop="uvloop",
        mix="place",
        clients=CLIENTS,
        first_client=0,
        dataset=Dataset(accounts=12, orders=5),
        seed="1/0/arm",
        max_attempts=10,
        open_load=LOAD,
    )
    assert postgres_server.postmaster_pid is not None
    with WorkerProcess("asyncpg/uvloop/place", "asyncpg", janitor) as worker:
        worker.prepare(job)
        worker.wait_until_ready()
        begins_ns = time.monotonic_ns() + SECOND_NS // 20
        opens_ns = begins_ns + SECOND_NS
        window = Window.of(begins_ns, opens_ns, opens_ns + WINDOW_S * SECOND_NS)
        worker.measure(window)
        sleep_until(opens_ns + STALL_AT_S * SECOND_NS)
        with standing_still(postgres_server.postmaster_pid):
            time.sleep(STALL_S)
        result = worker.result(WINDOW_S + GRACE_S)

    due = sum(each >= opens_ns for each in arrival_times_ns(LOAD, window))
    assert result.window_outcomes == {"ok": due}
    intervals = [to_hdr(counts) for counts in result.latency_counts["ok"]]
    assert len(intervals) == WINDOW_S
    whole = percentiles(merge(intervals))
    assert whole.p99 is not None
    assert whole.p99 >= 1e6
    longest_s = [interval.get_max_value() / 1e6 for interval in intervals]
    # Who is due first in a second of the stall waits until its end.
    assert longest_s[STALL_AT_S] >= 1.5
    assert longest_s[STALL_AT_S + 1] >= 0.8
    stalled = range(STALL_AT_S, STALL_AT_S + STALL_S)
    medians_s = [
        interval.get_value_at_percentile(50) / 1e6
        for second, interval in enumerate(intervals)
        if second not in stalled
    ]
    assert max(medians_s) < 0.5
