"""Checkpoints and the work of autovacuum are counted by the server and read from outside."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from outboxbench.harness.postgres.activity import autovacuums_in, checkpoints_begun
from outboxbench.harness.postgres.server import connect, open_server

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from outboxbench.harness.janitor import Janitor
    from outboxbench.harness.postgres.binaries import Binaries
    from outboxbench.harness.postgres.server import Server

PATIENCE_S = 30.0
EAGER_AUTOVACUUM = {
    "autovacuum_naptime": "1s",
    "autovacuum_vacuum_threshold": "1",
    "autovacuum_vacuum_scale_factor": "0",
    "autovacuum_analyze_threshold": "1",
    "autovacuum_analyze_scale_factor": "0",
}
SHARED_SQL = """
    SELECT coalesce(sum(autovacuum_count + autoanalyze_count), 0)
    FROM pg_stat_all_tables JOIN pg_class ON pg_class.oid = relid
    WHERE relisshared
"""


@pytest.fixture
def server(installation: Binaries, janitor: Janitor) -> Iterator[Server]:
    with open_server(None, installation.directory, janitor, EAGER_AUTOVACUUM) as server:
        yield server


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_checkpoint_between_two_readings_counts_one(server: Server) -> None:
    with connect(server.address) as connection, connect(server.address) as another:
        before = checkpoints_begun(connection)
        another.execute("CREATE TABLE written AS SELECT generate_series(1, 1000)")
        assert checkpoints_begun(connection) == before

        another.execute("CHECKPOINT")
        wait_until(lambda: checkpoints_begun(connection) > before)
        # What is told late would make it two.
        time.sleep(0.5)

        assert checkpoints_begun(connection) == before + 1


def test_autovacuums_are_those_of_the_database_alone(server: Server) -> None:
    with connect(server.address) as connection:
        connection.execute("CREATE TABLE worked_on AS SELECT generate_series(1, 1000)")
        connection.execute("DELETE FROM worked_on")
        wait_until(lambda: autovacuums_in(connection) > 0)

        # Roles are stored in a table that all databases share.
        for number in range(10):
            connection.execute(f"CREATE ROLE passing{number}")
            connection.execute(f"DROP ROLE passing{number}")
        wait_until(lambda: connection.execute(SHARED_SQL).fetchone() != (0,))

        connection.execute("CREATE DATABASE untouched TEMPLATE template0")
        with connect(server.address.with_database("untouched")) as elsewhere:
            assert elsewhere.execute(SHARED_SQL).fetchone() != (0,)
            assert autovacuums_in(elsewhere) == 0
