"""A volume without space: tables cannot grow, the server goes on, and space is found again."""

from __future__ import annotations

import secrets
from contextlib import closing
from typing import TYPE_CHECKING

import psycopg
import pytest
from tests.harness.faults.clients import NoLink, can_work, open_client

from outboxbench.harness.errors import CannotRun
from outboxbench.harness.faults.disk_full import DiskFull
from outboxbench.harness.faults.scene import Scene
from outboxbench.harness.faults.seat import Seat
from outboxbench.harness.postgres.databases import Databases
from outboxbench.harness.postgres.server import connect
from outboxbench.harness.postgres.volume import HOW_TO_BE_ALLOWED, SmallVolume, may_mount
from outboxbench.harness.suite.model import DatasetSize
from outboxbench.harness.suite.template import prepare_template

if TYPE_CHECKING:
    from collections.abc import Iterator

    from outboxbench.harness.postgres.server import Server

needs_mount = pytest.mark.skipif(not may_mount(), reason=HOW_TO_BE_ALLOWED)

GROW = """
    INSERT INTO inbox
    SELECT 'a handler', gen_random_uuid(), 0 FROM generate_series(1, 10000)"""


@pytest.fixture(scope="module")
def on_a_volume(server: Server) -> Iterator[Scene]:
    assert server.cluster is not None
    volume = SmallVolume(server.cluster)
    volume.mount()
    with Databases(server, f"full{secrets.token_hex(4)}") as databases:
        address = databases.create("block")
        prepare_template(address, DatasetSize(accounts=12, orders=5))
        volume.take_in(address)
        yield Scene(Seat(server, address, volume), NoLink())


@needs_mount
def test_tables_cannot_grow_until_it_is_healed(on_a_volume: Scene) -> None:
    cluster = on_a_volume.seat.cluster
    before = cluster.postmaster_pid
    fault = DiskFull(on_a_volume)
    with closing(open_client(on_a_volume.address)) as client:
        try:
            evidence = fault.inject()
            with pytest.raises(psycopg.errors.DiskFull):
                client.execute(GROW)
            # The server goes on, and so does the session.
            assert client.execute("SELECT count(*) FROM accounts").fetchall() == [(12,)]
        finally:
            assert fault.heal() == {}
        assert client.execute(GROW).rowcount == 10_000
    assert evidence["sqlstate"] == "53100"
    assert "No space left on device" in evidence["message"]
    assert evidence["filled_bytes"] > 0
    assert cluster.postmaster_pid == before
    assert fault.heal() == {}


@needs_mount
def test_a_server_that_went_down_meanwhile_runs_when_it_is_healed(on_a_volume: Scene) -> None:
    fault = DiskFull(on_a_volume)
    try:
        assert fault.inject()
        on_a_volume.seat.cluster.crash()
    finally:
        fault.heal()
    assert can_work(on_a_volume.address)


@needs_mount
def test_the_log_stays_on_the_disk(on_a_volume: Scene) -> None:
    with connect(on_a_volume.address) as connection:
        ((path,),) = connection.execute("SELECT pg_relation_filepath('outbox')").fetchall()
    assert path.startswith("pg_tblspc/")
    assert not (on_a_volume.seat.cluster.data_directory / "pg_wal").is_symlink()


def test_a_database_on_no_volume_of_its_own_is_not_filled(scene: Scene) -> None:
    fault = DiskFull(scene)
    with pytest.raises(CannotRun, match="no small volume of its own"):
        fault.inject()
    assert fault.heal() == {}
