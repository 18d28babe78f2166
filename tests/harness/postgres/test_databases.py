"""A run's databases: made from a template, dropped by the run or, if it was killed, by the next."""

from __future__ import annotations

import json
import secrets
import subprocess
import sys
import time
from dataclasses import asdict, replace
from typing import TYPE_CHECKING

import psycopg
import pytest
from psycopg import sql

from outboxbench.harness.postgres.binaries import embedded_binaries
from outboxbench.harness.postgres.cluster import Cluster
from outboxbench.harness.postgres.databases import Databases
from outboxbench.harness.postgres.server import Server, connect

if TYPE_CHECKING:
    from collections.abc import Iterator

    from psycopg.rows import TupleRow

    from outboxbench.core.strategies.settings import DatabaseAddress
    from outboxbench.harness.janitor import Janitor

HOLD_A_DATABASE = """
import json, sys, time
from outboxbench.core.strategies.settings import DatabaseAddress
from outboxbench.harness.postgres.binaries import embedded_binaries
from outboxbench.harness.postgres.databases import Databases
from outboxbench.harness.postgres.server import Server

job = json.loads(sys.stdin.readline())
address = DatabaseAddress(**job["address"])
server = Server("dsn", address, "18", embedded_binaries(), is_superuser=True, can_checkpoint=True)
with Databases(server, job["token"]) as databases:
    print(databases.create("left").database, flush=True)
    time.sleep(600)
"""


def new_token() -> str:
    return f"t{secrets.token_hex(4)}"


@pytest.fixture
def databases(postgres_server: Server) -> Iterator[Databases]:
    with Databases(postgres_server, new_token()) as databases:
        yield databases


@pytest.fixture
def role(postgres_server: Server) -> Iterator[DatabaseAddress]:
    """A role that may create databases, and is no superuser."""
    name, password = f"guest_{secrets.token_hex(4)}", secrets.token_hex(16)
    identifier = sql.Identifier(name)
    create = sql.SQL("CREATE ROLE {} LOGIN CREATEDB PASSWORD {}").format(identifier, password)
    with connect(postgres_server.address) as connection:
        connection.execute(create)
        yield replace(postgres_server.address, user=name, password=password)
        connection.execute(sql.SQL("DROP ROLE {}").format(identifier))


def names(server: Server) -> set[str]:
    with connect(server.address) as connection:
        return {row[0] for row in connection.execute("SELECT datname FROM pg_database")}


def fill(address: DatabaseAddress) -> None:
    with connect(address) as connection:
        connection.execute("CREATE TABLE fruit AS SELECT 'apple' AS name")


def rows(address: DatabaseAddress) -> list[tuple[str]]:
    with connect(address) as connection:
        return connection.execute("SELECT name FROM fruit").fetchall()


def test_a_database_is_a_copy_of_the_template(databases: Databases) -> None:
    databases.create_template(fill)
    first, second = databases.create("1"), databases.create("2")
    with connect(first) as connection:
        connection.execute("DELETE FROM fruit")
    assert rows(first) == []
    assert rows(second) == [("apple",)]


def test_without_a_template_a_database_is_empty_and_alike_on_every_server(
    databases: Databases,
) -> None:
    with connect(databases.create("1")) as connection:
        tables = connection.execute("SELECT FROM pg_tables WHERE schemaname = 'public'").fetchall()
        row = connection.execute(
            "SELECT pg_encoding_to_char(encoding), datcollate FROM pg_database"
            " WHERE datname = current_database()"
        ).fetchone()
    assert tables == []
    assert row == ("UTF8", "C")


def test_a_database_in_use_is_dropped_all_the_same(
    databases: Databases, postgres_server: Server
) -> None:
    address = databases.create("1")
    with connect(address) as connection:
        databases.drop(address)
        with pytest.raises(psycopg.OperationalError):
            connection.execute("SELECT 1")
    assert address.database not in names(postgres_server)


def test_without_its_template_the_next_database_is_empty(databases: Databases) -> None:
    databases.drop(databases.create_template(fill))
    with connect(databases.create("1")) as connection, pytest.raises(psycopg.errors.UndefinedTable):
        connection.execute("SELECT FROM fruit")


def test_leaving_drops_everything_that_was_created(postgres_server: Server) -> None:
    before = names(postgres_server)

    def run_that_fails() -> None:
        with Databases(postgres_server, new_token()) as databases:
            databases.create_template(fill)
            databases.create("1")
            assert len(names(postgres_server)) == len(before) + 2
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        run_that_fails()
    assert names(postgres_server) == before


def test_a_database_that_is_not_ours_is_never_dropped(
    databases: Databases, postgres_server: Server
) -> None:
    with pytest.raises(ValueError, match="postgres is not a database of outboxbench"):
        databases.drop(postgres_server.address)
    assert "postgres" in names(postgres_server)


@pytest.mark.parametrize("part", ["", 'a"b', "Upper", "a" * 25, "a b", "a;--"])
def test_a_name_that_could_be_mistaken_is_refused(
    part: str, databases: Databases, postgres_server: Server
) -> None:
    with pytest.raises(ValueError, match="characters"):
        databases.create(part)
    with pytest.raises(ValueError, match="characters"):
        Databases(postgres_server, part)


def test_a_checkpoint_is_made_where_it_is_permitted(
    databases: Databases, postgres_server: Server
) -> None:
    assert databases.checkpoint() is True
    with Databases(replace(postgres_server, can_checkpoint=False), new_token()) as unprivileged:
        assert unprivileged.checkpoint() is False


def test_two_runs_at_once_leave_each_others_databases_alone(postgres_server: Server) -> None:
    with Databases(postgres_server, new_token()) as first:
        kept = first.create("1")
        with Databases(postgres_server, new_token()) as second:
            second.create("1")
            assert kept.database in names(postgres_server)
        assert kept.database in names(postgres_server)


def test_a_live_run_is_seen_from_another_maintenance_database(
    postgres_server: Server, database: DatabaseAddress
) -> None:
    with Databases(postgres_server, new_token()) as first:
        kept = first.create("1")
        with Databases(replace(postgres_server, address=database), new_token()):
            assert kept.database in names(postgres_server)


def test_what_a_killed_run_left_is_dropped_by_the_next(postgres_server: Server) -> None:
    job = {"address": asdict(postgres_server.address), "token": new_token()}
    with subprocess.Popen(
        [sys.executable, "-c", HOLD_A_DATABASE],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as harness:
        assert harness.stdin is not None
        assert harness.stdout is not None
        harness.stdin.write(json.dumps(job) + "\n")
        harness.stdin.flush()
        left = harness.stdout.readline().strip()
        with Databases(postgres_server, new_token()):
            assert left in names(postgres_server)
        harness.kill()
    assert left.startswith("outboxbench_")
    deadline = time.monotonic() + 30
    while left in names(postgres_server):
        assert time.monotonic() < deadline
        with Databases(postgres_server, new_token()):
            time.sleep(0.02)


def test_a_database_that_only_bears_our_prefix_is_left_alone(postgres_server: Server) -> None:
    name = f"outboxbench_mine_{secrets.token_hex(4)}"
    with connect(postgres_server.address) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        try:
            with Databases(postgres_server, new_token()):
                assert name in names(postgres_server)
        finally:
            connection.execute(sql.SQL("DROP DATABASE {}").format(sql.Identifier(name)))


def test_leaving_is_quiet_when_the_server_has_gone(postgres_server: Server) -> None:
    with Databases(postgres_server, new_token()) as databases:
        left = databases.create("1")
        with connect(postgres_server.address) as connection:
            connection.execute(
                "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity"
                " WHERE query LIKE %s AND pid <> pg_backend_pid()",
                [f"COMMENT ON DATABASE%{left.database}%"],
            )
    assert left.database in names(postgres_server)
    with Databases(postgres_server, new_token()):
        assert left.database not in names(postgres_server)


def test_a_role_that_may_only_create_databases_suffices(
    postgres_server: Server, role: DatabaseAddress
) -> None:
    server = replace(postgres_server, address=role, can_checkpoint=False)
    before = names(postgres_server)
    with Databases(server, new_token()) as databases:
        databases.create_template(fill)
        copy = databases.create("1")
        assert rows(copy) == [("apple",)]
        with connect(copy):
            databases.drop(copy)
    assert names(postgres_server) == before


@pytest.mark.slow
def test_a_database_that_someone_mightier_looks_into_is_left_to_a_later_run(
    postgres_server: Server, role: DatabaseAddress
) -> None:
    server = replace(postgres_server, address=role, can_checkpoint=False)
    with Databases(server, new_token()) as databases:
        watched = databases.create("1")
        other = databases.create("2")
        onlooker = connect(postgres_server.address.with_database(watched.database))
    with onlooker:
        assert watched.database in names(postgres_server)
        assert other.database not in names(postgres_server)
    with Databases(server, new_token()):
        assert watched.database not in names(postgres_server)


def test_an_autovacuum_at_work_does_not_keep_a_role_from_dropping_its_database(
    janitor: Janitor,
) -> None:
    settings = {"autovacuum_naptime": "1s", "autovacuum_vacuum_cost_delay": "100ms"}
    with (
        Cluster(embedded_binaries(), janitor, settings) as cluster,
        connect(cluster.address) as admin,
    ):
        admin.execute("CREATE ROLE guest LOGIN CREATEDB PASSWORD 'guest'")
        address = replace(cluster.address, user="guest", password="guest")
        binaries = embedded_binaries()
        server = Server("dsn", address, "18", binaries, is_superuser=False, can_checkpoint=False)
        with Databases(server, new_token()) as databases:
            busy = databases.create("1")
            with connect(busy) as connection:
                connection.execute("CREATE TABLE heap AS SELECT generate_series(1, 300000)")
                connection.execute("DELETE FROM heap")
            wait_for_autovacuum(admin, busy.database)
            databases.drop(busy)
            listed = admin.execute("SELECT datname FROM pg_database").fetchall()
            assert (busy.database,) not in listed


def wait_for_autovacuum(admin: psycopg.Connection[TupleRow], database: str) -> None:
    query = (
        "SELECT FROM pg_stat_activity"
        " WHERE backend_type = 'autovacuum worker' AND datname = %s AND query LIKE '%%heap%%'"
    )
    deadline = time.monotonic() + 60
    while not admin.execute(query, [database]).fetchall():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_what_goes_with_its_server_is_not_dropped_one_by_one(postgres_server: Server) -> None:
    with Databases(postgres_server, new_token(), go_with_server=True) as databases:
        name = databases.create("left").database
    assert name in names(postgres_server)
    # Whoever comes next drops it, should the server live on after all.
    with Databases(postgres_server, new_token()):
        assert name not in names(postgres_server)
