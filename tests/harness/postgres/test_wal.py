"""What the log tells of a transaction, on every installation that this machine has."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from outboxbench.harness.postgres import buffers, wal
from outboxbench.harness.postgres.cluster import Cluster
from outboxbench.harness.postgres.extensions import has_extension
from outboxbench.harness.postgres.final_state import wait_until_unused
from outboxbench.harness.postgres.server import connect

if TYPE_CHECKING:
    from collections.abc import Iterator

    import psycopg

    from outboxbench.core.strategies.settings import DatabaseAddress
    from outboxbench.harness.janitor import Janitor
    from outboxbench.harness.postgres.binaries import Binaries

COMMITS = 7


@pytest.fixture
def address(installation: Binaries, janitor: Janitor) -> Iterator[DatabaseAddress]:
    settings = {"track_wal_io_timing": "on", "autovacuum": "off"}
    with Cluster(installation, janitor, settings) as cluster:
        with connect(cluster.address) as connection:
            connection.execute("CREATE DATABASE written")
        yield cluster.address


def test_the_records_of_a_transaction_are_counted_without_whole_pages(
    address: DatabaseAddress,
) -> None:
    written = address.with_database("written")
    with connect(address) as reader, connect(written) as writer:
        assert has_extension(reader, wal.EXTENSION)
        writer.execute("CREATE TABLE numbers (number int)")
        writer.execute("INSERT INTO numbers VALUES (1)")
        # The next change writes the whole page.
        reader.execute("CHECKPOINT")
        start = wal.wal_position(reader)
        writer.execute("INSERT INTO numbers VALUES (2), (3)")
        volume = wal.wal_between(reader, start, wal.wal_position(reader))

    # Two rows and a commit.
    assert volume.records == 3
    assert 100 < volume.bytes < 300


def test_what_the_server_writes_about_itself_is_left_out(address: DatabaseAddress) -> None:
    with connect(address) as reader:
        assert has_extension(reader, wal.EXTENSION)
        start = wal.wal_position(reader)
        reader.execute("CHECKPOINT")
        reader.execute("SELECT pg_log_standby_snapshot()") if _has_snapshots(reader) else None

        assert wal.wal_between(reader, start, wal.wal_position(reader)) == wal.WalVolume(0, 0)


def test_every_commit_that_waits_is_a_sync_once_its_backend_has_ended(
    address: DatabaseAddress,
) -> None:
    written = address.with_database("written")
    with connect(written) as writer:
        writer.execute("CREATE TABLE numbers (number int)")
    wait_until_unused(written)
    with connect(address) as reader:
        before = wal.wal_syncs(reader)
        with connect(written) as writer:
            for number in range(COMMITS):
                writer.execute("INSERT INTO numbers VALUES (%s)", [number])
        wait_until_unused(written)
        syncs = wal.wal_syncs(reader) - before

    assert syncs.count == COMMITS
    assert syncs.time_us > 0


def test_blocks_are_dirty_until_they_are_written(address: DatabaseAddress) -> None:
    with connect(address) as reader, connect(address.with_database("written")) as writer:
        assert has_extension(reader, buffers.EXTENSION)
        writer.execute("CREATE TABLE numbers (number int)")
        writer.execute("INSERT INTO numbers VALUES (1)")
        reader.execute("CHECKPOINT")
        assert buffers.dirty_blocks(reader, "written") == 0

        writer.execute("INSERT INTO numbers VALUES (2)")
        assert buffers.dirty_blocks(reader, "written") == 1

        reader.execute("CHECKPOINT")
        assert buffers.dirty_blocks(reader, "written") == 0


def test_an_extension_that_no_server_has_is_missing(address: DatabaseAddress) -> None:
    with connect(address) as connection:
        assert not has_extension(connection, "no_such_extension")


def _has_snapshots(connection: psycopg.Connection[psycopg.rows.TupleRow]) -> bool:
    return connection.info.server_version >= 160_000
