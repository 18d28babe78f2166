"""CPU of a server is the CPU of its processes, whichever come and go."""

from __future__ import annotations

import math
import os
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from outboxbench.harness.postgres.counters import (
    ProcessTreeCpu,
    cpu_between,
    process_cpu_seconds,
    server_cpu_seconds,
)
from outboxbench.harness.postgres.server import connect

if TYPE_CHECKING:
    from outboxbench.harness.postgres.server import Server

BURN = "SELECT count(*) FROM generate_series(1, 2000000)"
BURN_IN_A_THREAD_THAT_ENDS = """
import sys, threading, time

def burn():
    while time.thread_time() < 0.2:
        pass

thread = threading.Thread(target=burn)
thread.start()
thread.join()
print(time.process_time(), flush=True)
sys.stdin.read()
"""


def reading(**seconds: float) -> ProcessTreeCpu:
    return ProcessTreeCpu({int(name[1:]): used for name, used in seconds.items()})


def test_the_work_of_a_backend_that_came_between_counts(postgres_server: Server) -> None:
    before = server_cpu_seconds(postgres_server.postmaster_pid)
    with connect(postgres_server.address) as connection:
        connection.execute(BURN)
        backend = process_cpu_seconds(connection.info.backend_pid)
        used = cpu_between(before, server_cpu_seconds(postgres_server.postmaster_pid))
    assert used is not None
    assert backend is not None
    assert used >= backend > 0


def test_a_backends_own_seconds_are_found_under_its_pid(postgres_server: Server) -> None:
    with connect(postgres_server.address) as connection:
        pid = connection.info.backend_pid
        before = server_cpu_seconds(postgres_server.postmaster_pid)
        connection.execute(BURN)
        after = server_cpu_seconds(postgres_server.postmaster_pid)
    assert before is not None
    assert after is not None
    assert after.seconds[pid] > before.seconds[pid]


def test_a_process_counts_with_the_threads_that_ended() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", BURN_IN_A_THREAD_THAT_ENDS],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        own_account = float(process.stdout.readline())
        seen = process_cpu_seconds(process.pid)
    assert seen is not None
    assert seen >= own_account >= 0.2


def test_our_own_seconds_are_what_python_says() -> None:
    before = time.process_time()
    seen = process_cpu_seconds(os.getpid())
    assert seen is not None
    assert before <= seen <= time.process_time()


def test_what_is_unknown_is_none_and_never_zero() -> None:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    assert process_cpu_seconds(ended.pid) is None
    assert server_cpu_seconds(ended.pid) is None
    assert server_cpu_seconds(None) is None
    assert cpu_between(None, reading(p1=1.0)) is None
    assert cpu_between(reading(p1=1.0), None) is None


@pytest.mark.parametrize(
    ("before", "after", "used"),
    [
        (reading(p1=1.0, p2=2.0), reading(p1=1.5, p2=2.25), 0.75),
        (reading(p1=1.0), reading(p1=1.0, p2=0.25), 0.25),
        (reading(p1=1.0, p2=2.0), reading(p1=1.5), 0.5),
        (reading(p1=1.0, p2=2.0), reading(p1=1.0, p2=0.5), 0.5),
        (reading(p1=1.0), reading(p1=1.0), 0.0),
    ],
    ids=["worked", "appeared", "disappeared", "pid used again", "idle"],
)
def test_seconds_between_two_readings(
    before: ProcessTreeCpu, after: ProcessTreeCpu, used: float
) -> None:
    between = cpu_between(before, after)
    assert between is not None
    assert math.isclose(between, used)
