"""Faults that stay within the rules of the database: locks, snapshots, and slow commits."""

from __future__ import annotations

import secrets
import threading
from contextlib import closing, contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from psycopg import sql
from tests.harness.faults.clients import NoLink, can_work, chance, open_client

from outboxbench.harness.errors import CannotRun
from outboxbench.harness.faults.deadlock import Deadlock
from outboxbench.harness.faults.held_xmin import HeldXmin
from outboxbench.harness.faults.hot_row import HotRow
from outboxbench.harness.faults.probes import wait_until
from outboxbench.harness.faults.scene import Scene
from outboxbench.harness.faults.seat import Seat
from outboxbench.harness.faults.serialisation_storm import SerialisationStorm
from outboxbench.harness.faults.slow_disk import DELAY_US, SlowDisk
from outboxbench.harness.load.dataset import account_ids
from outboxbench.harness.postgres.server import connect

if TYPE_CHECKING:
    from collections.abc import Iterator

    from outboxbench.core.strategies.settings import DatabaseAddress

PATIENCE_S = 30.0


@contextmanager
def updates(address: DatabaseAddress) -> Iterator[threading.Event]:
    """Update every account again and again; the event tells of the first time."""
    done, updated = threading.Event(), threading.Event()

    def update() -> None:
        with closing(open_client(address)) as client:
            while not done.is_set():
                client.execute("UPDATE accounts SET version = version + 1")
                updated.set()

    thread = threading.Thread(target=update)
    thread.start()
    try:
        yield updated
    finally:
        done.set()
        thread.join()


def own_sessions(scene: Scene) -> int:
    with connect(scene.address) as connection:
        ((number,),) = connection.execute(
            "SELECT count(*) FROM pg_stat_activity"
            " WHERE application_name = 'outboxbench harness' AND datname = current_database()"
            " AND pid <> pg_backend_pid()"
        ).fetchall()
    return int(number)


def number(connection: psycopg.Connection[Any], query: str, *parameters: object) -> int:
    ((value,),) = connection.execute(query, parameters).fetchall()
    return int(value)


def waiting(connection: psycopg.Connection[Any]) -> int:
    return number(connection, "SELECT count(DISTINCT pid) FROM pg_locks WHERE NOT granted")


def test_a_held_snapshot_keeps_dead_rows_until_it_is_healed(
    scene: Scene, client: psycopg.Connection[Any]
) -> None:
    client.execute("VACUUM accounts")
    fault = HeldXmin(scene)
    try:
        evidence = fault.inject()
        held = number(
            client,
            "SELECT backend_xmin::text FROM pg_stat_activity WHERE pid = %s",
            evidence["pid"],
        )
        assert held == evidence["backend_xmin"]
        for _ in range(3):
            assert can_work(scene.address)
        client.execute("VACUUM accounts")
        dead = number(client, "SELECT n_dead_tup FROM pg_stat_all_tables WHERE relname='accounts'")
    finally:
        healed = fault.heal()
    assert dead > 0
    assert healed["xids_outlived"] >= 3
    assert fault.heal() == {}
    assert can_work(scene.address)


def test_a_snapshot_whose_session_was_ended_is_healed_without_proof(
    scene: Scene, client: psycopg.Connection[Any]
) -> None:
    fault = HeldXmin(scene)
    pid = fault.inject()["pid"]
    client.execute("SELECT pg_terminate_backend(%s, 10000)", [pid])
    assert fault.heal() == {}


def test_clients_wait_for_hot_rows_until_they_are_healed(
    scene: Scene, client: psycopg.Connection[Any]
) -> None:
    fault = HotRow(scene, chance(1))
    with updates(scene.address) as updated:
        try:
            evidence = fault.inject()
            for _ in range(5):
                assert wait_until(lambda: waiting(client) == 1, PATIENCE_S)
                updated.clear()
                assert updated.wait(PATIENCE_S)
        finally:
            healed = fault.heal()
    assert set(evidence["accounts"]) == {f"{each}" for each in account_ids(12)}
    assert healed["locks_taken"] >= len(evidence["accounts"])
    assert healed["sessions_seen_waiting"] == 1
    assert fault.heal() == {}
    assert wait_until(lambda: own_sessions(scene) == 0)
    assert can_work(scene.address)


def test_where_nobody_wants_the_hot_rows_nobody_is_seen_waiting(scene: Scene) -> None:
    fault = HotRow(scene, chance(1))
    try:
        assert fault.inject()
    finally:
        assert fault.heal()["sessions_seen_waiting"] == 0


def test_deadlocks_happen_until_they_are_healed(
    scene: Scene, client: psycopg.Connection[Any]
) -> None:
    fault = Deadlock(scene, chance(1))
    try:
        evidence = fault.inject()
    finally:
        healed = fault.heal()
    assert healed["deadlocks_seen"] >= evidence["deadlocks_seen"] > 0
    assert fault.heal() == {}
    assert wait_until(lambda: own_sessions(scene) == 0)
    client.execute("SELECT pg_stat_force_next_flush()")
    counted = number(
        client, "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"
    )
    assert counted >= healed["deadlocks_seen"]
    assert can_work(scene.address)


def is_refused(client: psycopg.Connection[Any]) -> bool:
    """Read and then change every account; tell whether that could not be serialised."""
    try:
        with client.transaction():
            client.execute("SELECT version FROM accounts")
            client.execute("UPDATE accounts SET version = version")
    except psycopg.errors.SerializationFailure:
        return True
    return False


def accounts_in(client: psycopg.Connection[Any]) -> list[Any]:
    return client.execute("SELECT * FROM accounts ORDER BY id").fetchall()


@pytest.mark.parametrize(
    "isolation", [psycopg.IsolationLevel.REPEATABLE_READ, psycopg.IsolationLevel.SERIALIZABLE]
)
def test_clients_that_keep_a_snapshot_are_refused_until_the_storm_is_over(
    isolation: psycopg.IsolationLevel, scene: Scene, client: psycopg.Connection[Any]
) -> None:
    before = accounts_in(client)
    client.isolation_level = isolation
    fault = SerialisationStorm(scene, chance(1))
    try:
        evidence = fault.inject()
        assert wait_until(lambda: is_refused(client), PATIENCE_S)
    finally:
        healed = fault.heal()
    assert healed["refusals_seen"] >= evidence["refusals_seen"] > 0
    assert healed["refusals_of_others"] > 0
    assert fault.heal() == {}
    assert not is_refused(client)
    assert accounts_in(client) == before
    assert wait_until(lambda: own_sessions(scene) == 0)


def test_clients_that_keep_no_snapshot_wait_for_the_storm_and_are_not_refused(
    scene: Scene, client: psycopg.Connection[Any]
) -> None:
    fault = SerialisationStorm(scene, chance(1))
    try:
        assert fault.inject()
        assert not any(is_refused(client) for _ in range(5))
    finally:
        healed = fault.heal()
    assert healed["refusals_of_others"] == 0


@pytest.mark.parametrize("kind", [HotRow, Deadlock, SerialisationStorm])
def test_rows_cannot_be_locked_where_there_are_none(
    kind: type[HotRow | Deadlock | SerialisationStorm], scene: Scene
) -> None:
    fault = kind(Scene(Seat(scene.server, scene.server.address), NoLink()), chance(1))
    with pytest.raises(CannotRun, match="give the suite a dataset with accounts"):
        fault.inject()
    assert fault.heal() == {}
    assert fault.heal() == {}


def test_the_disk_is_slow_for_every_session_until_it_is_healed(
    scene: Scene, client: psycopg.Connection[Any]
) -> None:
    fault = SlowDisk(scene)
    assert number(client, "SELECT current_setting('commit_siblings')") == 5
    try:
        evidence = fault.inject()
        delay_us = number(client, "SELECT setting FROM pg_settings WHERE name = 'commit_delay'")
    finally:
        healed = fault.heal()
    assert delay_us == DELAY_US
    assert evidence["commit_during_s"] > evidence["commit_before_s"] + DELAY_US / 2e6
    assert evidence["commit_during_s"] > healed["commit_after_s"]
    with connect(scene.address) as connection:
        assert number(connection, "SELECT current_setting('commit_delay')") == 0
        assert number(connection, "SELECT current_setting('commit_siblings')") == 5
    assert fault.heal() == {}
    assert can_work(scene.address)


def test_where_commits_do_not_wait_for_the_disk_nothing_is_proved(scene: Scene) -> None:
    setting = sql.SQL("ALTER DATABASE {} {} synchronous_commit{}")
    name = sql.Identifier(scene.address.database)
    fault = SlowDisk(scene)
    with connect(scene.address) as connection:
        connection.execute(setting.format(name, sql.SQL("SET"), sql.SQL(" = off")))
        try:
            assert fault.inject() == {}
        finally:
            fault.heal()
            connection.execute(setting.format(name, sql.SQL("RESET"), sql.SQL("")))


def test_a_disk_that_is_no_superusers_to_slow_down(scene: Scene) -> None:
    address = replace(scene.address, user="ordinary", password=secrets.token_urlsafe())
    with connect(scene.address) as connection:
        connection.execute(
            sql.SQL("CREATE ROLE ordinary LOGIN PASSWORD {}").format(address.password)
        )
    fault = SlowDisk(Scene(Seat(scene.server, address), NoLink()))
    try:
        with pytest.raises(CannotRun, match="only a superuser"):
            fault.inject()
        fault.heal()
        assert fault.heal() == {}
    finally:
        with connect(scene.address) as connection:
            connection.execute("DROP ROLE ordinary")
