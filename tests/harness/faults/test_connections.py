"""Faults of connections: ended, or refused."""

from __future__ import annotations

import threading
from contextlib import ExitStack, closing, suppress
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from tests.harness.faults.clients import can_work, chance, open_client

from outboxbench.harness.faults import backend_kill, connection_refusal, probes
from outboxbench.harness.faults.startup_probe import refusal_sqlstate
from outboxbench.harness.postgres.server import connect

if TYPE_CHECKING:
    from collections.abc import Iterator

    from outboxbench.harness.faults.fault import Evidence, FaultKind
    from outboxbench.harness.faults.scene import Scene

CLIENTS = 5


@pytest.fixture
def clients(scene: Scene) -> Iterator[list[psycopg.Connection[Any]]]:
    with ExitStack() as stack:
        yield [stack.enter_context(closing(open_client(scene.address))) for _ in range(CLIENTS)]


def client_pids(watcher: psycopg.Connection[Any]) -> set[int]:
    """The backends of all clients of the server: those that have a slot."""
    rows = watcher.execute(
        "SELECT pid FROM pg_stat_activity WHERE backend_type = 'client backend'"
    ).fetchall()
    return {pid for (pid,) in rows}


def survivors(clients: list[psycopg.Connection[Any]]) -> list[psycopg.Connection[Any]]:
    living = []
    for client in clients:
        with suppress(psycopg.OperationalError):
            client.execute("SELECT 1")
            living.append(client)
    return living


def inject_once(kind: FaultKind, scene: Scene, seed: int) -> Evidence:
    fault = kind.make(scene, chance(seed))
    try:
        return fault.inject()
    finally:
        assert fault.heal() == {}
        assert fault.heal() == {}


def test_one_backend_is_ended_and_the_others_are_not(
    scene: Scene, clients: list[psycopg.Connection[Any]]
) -> None:
    pids = {client.info.backend_pid for client in clients}
    with connect(scene.address) as bystander:
        (gone,) = inject_once(backend_kill.BACKEND_KILL, scene, seed=1)["pids_gone"]
        bystander.execute("SELECT 1")
    assert {client.info.backend_pid for client in survivors(clients)} == pids - {gone}
    assert can_work(scene.address)


def test_all_backends_are_ended_and_those_of_others_are_not(
    scene: Scene, clients: list[psycopg.Connection[Any]]
) -> None:
    pids = {client.info.backend_pid for client in clients}
    with connect(scene.address) as bystander:
        gone = inject_once(backend_kill.BACKEND_KILL_ALL, scene, seed=1)["pids_gone"]
        bystander.execute("SELECT 1")
    assert set(gone) == pids
    assert not survivors(clients)
    assert can_work(scene.address)


def test_the_same_seed_hits_the_same_connection(scene: Scene) -> None:
    hit = []
    for _ in range(2):
        with ExitStack() as stack:
            clients = [
                stack.enter_context(closing(open_client(scene.address))) for _ in range(CLIENTS)
            ]
            pids = [client.info.backend_pid for client in clients]
            (gone,) = inject_once(backend_kill.BACKEND_KILL, scene, seed=7)["pids_gone"]
            hit.append(pids.index(gone))
            # The next round must not find who is still on the way out.
            inject_once(backend_kill.BACKEND_KILL_ALL, scene, seed=7)
    assert hit[0] == hit[1]


def test_where_no_connection_is_nothing_is_proved(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backend_kill, "wait_until", lambda condition: condition())
    assert inject_once(backend_kill.BACKEND_KILL, scene, seed=1) == {}


def test_a_full_server_ends_clients_and_refuses_them_until_it_is_healed(
    scene: Scene, clients: list[psycopg.Connection[Any]]
) -> None:
    pids = {client.info.backend_pid for client in clients}
    assert refusal_sqlstate(scene.address) is None
    fault = connection_refusal.ConnectionRefusal(scene)
    try:
        evidence = fault.inject()
        assert evidence["sqlstate"] == "53300"
        assert pids <= set(evidence["pids_gone"])
        assert not survivors(clients)
        for address in (scene.address, scene.server.address):
            with pytest.raises(psycopg.OperationalError, match="too many clients"):
                open_client(address)
    finally:
        fault.heal()
    assert refusal_sqlstate(scene.address) is None
    assert can_work(scene.address)
    assert fault.heal() == {}


def test_a_slot_that_is_given_back_is_taken_as_well(scene: Scene) -> None:
    with (
        closing(connect(scene.address)) as watcher,
        closing(connect(scene.address)) as bystander,
    ):
        pid = bystander.info.backend_pid
        fault = connection_refusal.ConnectionRefusal(scene)
        try:
            assert fault.inject()
            slots = len(client_pids(watcher))
            bystander.close()
            # Who is refused before the slot is free proves nothing, and a probe might take it.
            assert probes.wait_until(
                lambda: pid not in (pids := client_pids(watcher)) and len(pids) == slots
            )
            with pytest.raises(psycopg.OperationalError, match="too many clients"):
                open_client(scene.address)
        finally:
            fault.heal()


def test_clients_that_come_back_at_once_are_shut_out_all_the_same(scene: Scene) -> None:
    done = threading.Event()

    def insist() -> None:
        while not done.is_set():
            with suppress(psycopg.OperationalError), closing(open_client(scene.address)) as client:
                while not done.is_set():
                    client.execute("SELECT 1")

    threads = [threading.Thread(target=insist) for _ in range(8)]
    for thread in threads:
        thread.start()
    fault = connection_refusal.ConnectionRefusal(scene)
    try:
        assert fault.inject()["sqlstate"] == "53300"
    finally:
        done.set()
        for thread in threads:
            thread.join()
        fault.heal()
    assert can_work(scene.address)


def test_a_refusal_that_was_never_injected_is_healed(scene: Scene) -> None:
    assert connection_refusal.ConnectionRefusal(scene).heal() == {}
