"""A server that is crashed, shut down or frozen on purpose: nothing acknowledged is lost by it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import psutil
import psycopg
import pytest
from tests.harness.running import runs

from outboxbench.harness.pinning import cores_of, pin
from outboxbench.harness.postgres.binaries import embedded_binaries
from outboxbench.harness.postgres.cluster import Cluster
from outboxbench.harness.postgres.place import FOLDER_VARIABLE
from outboxbench.harness.postgres.server import connect

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from outboxbench.harness.janitor import Janitor

PATIENCE_S = 30.0


@pytest.fixture
def cluster(janitor: Janitor) -> Iterator[Cluster]:
    with Cluster(embedded_binaries(), janitor) as cluster:
        with connect(cluster.address) as connection:
            connection.execute("CREATE TABLE kept (number integer)")
            connection.execute("INSERT INTO kept VALUES (1)")
        yield cluster


def kept(cluster: Cluster) -> int:
    with connect(cluster.address) as connection:
        row = connection.execute("SELECT count(*) FROM kept").fetchone()
    assert row is not None
    return int(row[0])


@pytest.mark.parametrize("outage", [Cluster.crash, Cluster.shut_down], ids=["crash", "shut_down"])
def test_a_server_that_went_away_comes_back_at_the_same_address_with_what_was_committed(
    outage: Callable[[Cluster], object], cluster: Cluster
) -> None:
    address, first = cluster.address, cluster.postmaster_pid
    core = min(os.sched_getaffinity(0))
    pin(first, [core])
    with connect(address) as connection:
        outage(cluster)
        with pytest.raises(psycopg.OperationalError):
            connection.execute("SELECT 1")
    assert not psutil.pid_exists(first)
    with pytest.raises(psycopg.OperationalError):
        connect(address)
    cluster.start_again()
    assert cluster.address == address
    assert cluster.postmaster_pid != first
    assert cores_of(cluster.postmaster_pid) == (core,)
    assert kept(cluster) == 1


def test_a_crash_kills_every_process_and_is_recovered_from(cluster: Cluster) -> None:
    processes = psutil.Process(cluster.postmaster_pid).children(recursive=True)
    gone = cluster.crash()
    assert {process.pid for process in processes} <= set(gone)
    assert not any(map(runs, gone))
    cluster.start_again()
    assert "automatic recovery in progress" in cluster.log_text()


def test_a_frozen_server_answers_nobody_until_it_is_let_go_on(cluster: Cluster) -> None:
    with connect(cluster.address) as connection:
        frozen = cluster.freeze()
        assert cluster.postmaster_pid in frozen
        assert {psutil.Process(pid).status() for pid in frozen} == {psutil.STATUS_STOPPED}
        connection.pgconn.send_query(b"SELECT 1")
        time.sleep(0.1)
        connection.pgconn.consume_input()
        assert connection.pgconn.is_busy()
        cluster.thaw()
        answer = connection.pgconn.get_result()
        assert answer is not None
        assert answer.get_value(0, 0) == b"1"
        assert connection.pgconn.get_result() is None


def test_a_server_that_is_frozen_or_gone_is_removed_like_any_other(janitor: Janitor) -> None:
    for outage in (Cluster.freeze, Cluster.crash):
        with Cluster(embedded_binaries(), janitor) as cluster:
            folder = cluster.data_directory.parent
            processes = psutil.Process(cluster.postmaster_pid).children(recursive=True)
            outage(cluster)
        assert not folder.exists()
        assert not any(runs(process.pid) for process in processes)


HARNESS = """
import sys
from outboxbench.harness.janitor import Janitor
from outboxbench.harness.postgres.binaries import embedded_binaries
from outboxbench.harness.postgres.cluster import Cluster
with Janitor() as janitor, Cluster(embedded_binaries(), janitor) as cluster:
    print(*cluster.freeze(), flush=True)
    sys.stdin.read()
"""


def test_a_frozen_server_does_not_outlive_a_harness_that_is_killed(
    cluster: Cluster, tmp_path: Path
) -> None:
    folder = cluster.data_directory.parent.parent / f"outages-{os.getpid()}"
    folder.mkdir(mode=0o755)
    try:
        with subprocess.Popen(
            [sys.executable, "-c", HARNESS],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=tmp_path,
            env={**os.environ, FOLDER_VARIABLE: str(folder)},
        ) as harness:
            assert harness.stdout is not None
            frozen = [int(pid) for pid in harness.stdout.readline().split()]
            harness.send_signal(signal.SIGKILL)
        assert frozen
        deadline_s = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline_s:
            if not any(map(psutil.pid_exists, frozen)) and not list(folder.iterdir()):
                break
            time.sleep(0.05)
        assert not [pid for pid in frozen if psutil.pid_exists(pid)]
        assert not list(folder.iterdir())
    finally:
        folder.rmdir()
