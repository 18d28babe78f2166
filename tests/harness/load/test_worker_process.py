"""A worker answers, or one sentence says why not; in no case does it stay or show the password."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pytest

from outboxbench.core.strategies.settings import StrategySettings
from outboxbench.harness.errors import CannotRun
from outboxbench.harness.load.arrivals import arrival_times_ns
from outboxbench.harness.load.dataset import Dataset
from outboxbench.harness.load.job import Job, Loop, OpenLoad, Window
from outboxbench.harness.load.worker_process import GRACE_S, WorkerProcess
from outboxbench.harness.postgres.final_state import read_final_state, wait_until_unused

if TYPE_CHECKING:
    from collections.abc import Iterator

    from outboxbench.core.strategies.settings import DatabaseAddress
    from outboxbench.harness.janitor import Janitor
    from outboxbench.harness.load.arrivals import ArrivalProcess

ARM = "asyncpg/asyncio/charge"


@pytest.fixture
def job(seeded: DatabaseAddress) -> Job:
    return Job(
        settings=StrategySettings(seeded, pool_size=2),
        loop="asyncio",
        mix="mixed",
        clients=2,
        first_client=0,
        dataset=Dataset(accounts=12, orders=5),
        seed="1/0/arm",
        max_attempts=10,
    )


@pytest.fixture
def worker(janitor: Janitor) -> Iterator[WorkerProcess]:
    with WorkerProcess(ARM, "asyncpg", janitor) as worker:
        yield worker


def soon() -> Window:
    opens_ns = time.monotonic_ns() + 50_000_000
    return Window.of(opens_ns, opens_ns, opens_ns + 100_000_000)


def failure_of(worker: WorkerProcess, job: Job) -> str:
    def start() -> None:
        worker.prepare(job)
        worker.wait_until_ready()

    with pytest.raises(CannotRun) as caught:
        start()
    message = str(caught.value)
    assert "\n" not in message
    assert job.settings.address.password not in message
    return message


@pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
def test_a_worker_does_its_job(loop: Loop, worker: WorkerProcess, job: Job) -> None:
    address = job.settings.address
    before = read_final_state(address)
    worker.prepare(replace(job, loop=loop))
    worker.wait_until_ready()
    worker.measure(soon())
    result = worker.result(GRACE_S)
    wait_until_unused(address)

    stored = read_final_state(address).operations - before.operations
    assert stored == sum(counts.get("ok", 0) for counts in result.outcomes.values())
    assert 0 < result.window_outcomes["ok"] < stored
    counted = sum(sum(counts.values()) for counts in result.latency_counts["ok"])
    assert counted == result.window_outcomes["ok"] == result.ended_good
    assert 0 < result.idle_ns < result.running_ns


@pytest.mark.parametrize("process", ["poisson", "even"])
def test_a_worker_serves_arrivals_at_their_rate(
    process: ArrivalProcess, worker: WorkerProcess, job: Job
) -> None:
    load = OpenLoad(process, 400.0, 60.0, "1/0/arrivals")
    worker.prepare(replace(job, open_load=load))
    worker.wait_until_ready()
    window = soon()
    worker.measure(window)
    result = worker.result(GRACE_S)

    due = [
        due_ns
        for due_ns in arrival_times_ns(load, window)
        if window.opens_ns <= due_ns < window.closes_ns
    ]
    assert result.window_outcomes == {"ok": len(due)}
    assert sum(result.schedule_lag_counts.values()) == len(due)
    assert sum(result.generator_lag_counts.values()) == len(due)


def test_the_password_is_no_argument_and_no_variable(worker: WorkerProcess, job: Job) -> None:
    worker.prepare(job)
    worker.wait_until_ready()
    process = Path(f"/proc/{worker.pid}")

    shown = (process / "cmdline").read_bytes() + (process / "environ").read_bytes()

    assert b"outboxbench.harness.load.worker" in shown
    assert job.settings.address.password.encode() not in shown


def test_a_strategy_that_nobody_registers_is_named(janitor: Janitor, job: Job) -> None:
    with WorkerProcess(ARM, "nosuch", janitor) as worker:
        message = failure_of(worker, job)

    assert message.startswith(f"the arm {ARM} cannot be measured: ")
    assert "there is no strategy 'nosuch'" in message


def test_a_server_that_is_not_there_is_told(worker: WorkerProcess, job: Job) -> None:
    settings = replace(job.settings, address=replace(job.settings.address, port=1))

    message = failure_of(worker, replace(job, settings=settings))

    assert message.startswith(f"the arm {ARM} cannot be measured: ")


def test_a_wrong_password_is_told_and_not_shown(worker: WorkerProcess, job: Job) -> None:
    address = replace(job.settings.address, password="wrong-and-secret")

    message = failure_of(worker, replace(job, settings=replace(job.settings, address=address)))

    assert "password authentication failed" in message


def test_a_worker_that_is_killed_before_it_is_ready_is_told(
    worker: WorkerProcess, job: Job
) -> None:
    os.kill(worker.pid, signal.SIGKILL)

    message = failure_of(worker, job)

    assert message == (
        f"the worker of the arm {ARM} ended without an answer (exit status -9): start the run again"
    )


def test_a_worker_that_dies_while_it_measures_is_told(worker: WorkerProcess, job: Job) -> None:
    worker.prepare(job)
    worker.wait_until_ready()
    worker.measure(soon())
    os.kill(worker.pid, signal.SIGKILL)

    with pytest.raises(CannotRun, match=r"ended without an answer \(exit status -9\)"):
        worker.result(GRACE_S)


def test_a_worker_that_takes_too_long_is_ended(worker: WorkerProcess, job: Job) -> None:
    worker.prepare(job)
    worker.wait_until_ready()
    opens_ns = time.monotonic_ns()
    worker.measure(Window.of(opens_ns, opens_ns, opens_ns + 3600 * 10**9))

    with pytest.raises(CannotRun, match=r"was not done within 0\.2 s: use fewer clients"):
        worker.result(0.2)

    psutil.wait_procs([psutil.Process(worker.pid)], timeout=30)


def test_leaving_ends_a_worker_at_any_point(janitor: Janitor, job: Job) -> None:
    pids: list[int] = []

    def interrupted(*, prepare: bool) -> None:
        with WorkerProcess(ARM, "asyncpg", janitor) as worker:
            pids.append(worker.pid)
            if prepare:
                worker.prepare(job)
                worker.wait_until_ready()
            raise KeyboardInterrupt

    for prepare in (False, True):
        with pytest.raises(KeyboardInterrupt):
            interrupted(prepare=prepare)

    assert not any(psutil.pid_exists(pid) for pid in pids)
    wait_until_unused(job.settings.address)


def test_a_worker_whose_harness_is_gone_ends_by_itself() -> None:
    command = [sys.executable, "-m", "outboxbench.harness.load.worker", "asyncpg"]

    worker = subprocess.run(command, check=False, input="", capture_output=True, text=True)

    assert worker.returncode == 1
    assert worker.stderr == ""
