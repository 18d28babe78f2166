"""Faults that take the whole server: it is away, provably, and comes back as it was."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import psutil
import psycopg
import pytest
from tests.harness.faults.clients import can_work, open_client
from tests.harness.running import runs

from outboxbench.harness.errors import CannotRun
from outboxbench.harness.faults.seat import Seat
from outboxbench.harness.faults.server_crash import ServerCrash
from outboxbench.harness.faults.server_freeze import ServerFreeze
from outboxbench.harness.faults.server_restart import ServerRestart
from outboxbench.harness.postgres.server import connect

if TYPE_CHECKING:
    from outboxbench.harness.faults.scene import Scene


def test_a_crash_ends_the_server_and_healing_has_it_recover(
    scene: Scene, client: psycopg.Connection[Any]
) -> None:
    backend = client.info.backend_pid
    fault = ServerCrash(scene)
    try:
        evidence = fault.inject()
        assert backend in evidence["pids_gone"]
        assert not any(map(runs, evidence["pids_gone"]))
        with pytest.raises(psycopg.OperationalError):
            client.execute("SELECT 1")
        with pytest.raises(psycopg.OperationalError):
            open_client(scene.address)
    finally:
        before_ns = time.monotonic_ns()
        healed = fault.heal()
    assert before_ns < healed["server_ready_monotonic_ns"] < time.monotonic_ns()
    assert healed["log_line"].endswith("automatic recovery in progress")
    assert can_work(scene.address)
    assert fault.heal() == {}


def test_a_crash_is_healed_once_however_often_that_is_asked_for(scene: Scene) -> None:
    fault = ServerCrash(scene)
    assert fault.heal() == {}
    try:
        fault.inject()
        again = fault.inject()
        assert again == {}
    finally:
        fault.heal()
    assert can_work(scene.address)


def test_each_crash_tells_of_its_own_recovery(scene: Scene) -> None:
    lines = []
    for _ in range(2):
        fault = ServerCrash(scene)
        try:
            fault.inject()
        finally:
            lines.append(fault.heal()["log_line"])
    assert lines[0] != lines[1]


def test_a_restart_ends_sessions_and_is_over_at_once(
    scene: Scene, client: psycopg.Connection[Any]
) -> None:
    assert scene.server.cluster is not None
    first = scene.server.cluster.postmaster_pid
    fault = ServerRestart(scene)
    before_ns = time.monotonic_ns()
    try:
        evidence = fault.inject()
        assert evidence["log_line"].endswith("received fast shutdown request")
        assert before_ns < evidence["server_ready_monotonic_ns"] < time.monotonic_ns()
        assert scene.server.cluster.postmaster_pid != first
        with pytest.raises(psycopg.OperationalError):
            client.execute("SELECT 1")
        assert can_work(scene.address)
    finally:
        assert fault.heal() == {}


def test_a_restart_that_stopped_half_way_is_healed(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    cluster = scene.server.cluster
    assert cluster is not None

    def fail() -> None:
        raise KeyboardInterrupt

    fault = ServerRestart(scene)
    with monkeypatch.context() as patch:
        patch.setattr(cluster, "start_again", fail)
        with pytest.raises(KeyboardInterrupt):
            fault.inject()
    assert "server_ready_monotonic_ns" in fault.heal()
    assert can_work(scene.address)
    assert fault.heal() == {}


def test_a_frozen_server_answers_nobody_until_it_is_healed(
    scene: Scene, client: psycopg.Connection[Any]
) -> None:
    fault = ServerFreeze(scene)
    try:
        evidence = fault.inject()
        assert client.info.backend_pid in evidence["pids_still"]
        statuses = {psutil.Process(pid).status() for pid in evidence["pids_still"]}
        assert statuses == {psutil.STATUS_STOPPED}
        client.pgconn.send_query(b"SELECT 1")
        time.sleep(0.1)
        client.pgconn.consume_input()
        assert client.pgconn.is_busy()
    finally:
        before_ns = time.monotonic_ns()
        healed = fault.heal()
    assert before_ns < healed["server_ready_monotonic_ns"] < time.monotonic_ns()
    answer = client.pgconn.get_result()
    assert answer is not None
    assert answer.get_value(0, 0) == b"1"
    assert client.pgconn.get_result() is None
    assert can_work(scene.address)
    assert fault.heal() == {}


@pytest.mark.parametrize("kind", [ServerCrash, ServerRestart, ServerFreeze])
def test_a_server_of_somebody_elses_is_never_taken_down(
    kind: type[ServerCrash | ServerRestart | ServerFreeze], scene: Scene
) -> None:
    theirs = replace(scene, seat=Seat(replace(scene.server, cluster=None), scene.address))
    fault = kind(theirs)
    with pytest.raises(CannotRun, match="never taken down"):
        fault.inject()
    assert fault.heal() == {}
    assert can_work(scene.address)


def test_what_is_healed_leaves_the_server_to_the_harness(scene: Scene) -> None:
    for fault in (ServerCrash(scene), ServerRestart(scene), ServerFreeze(scene)):
        assert fault.heal() == {}
    with connect(scene.server.address) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)
