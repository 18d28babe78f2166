"""A server is opened from whichever origin, or refused in one sentence."""

from __future__ import annotations

import secrets
import socket
import time
from typing import TYPE_CHECKING

import pytest
from psycopg import sql

from outboxbench.harness.errors import BadInput
from outboxbench.harness.postgres.server import connect, open_server

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import psycopg
    from psycopg.rows import TupleRow

    from outboxbench.core.strategies.settings import DatabaseAddress
    from outboxbench.harness.janitor import Janitor
    from outboxbench.harness.postgres.binaries import Binaries
    from outboxbench.harness.postgres.server import Server


def dsn_of(address: DatabaseAddress, **changes: str | int) -> str:
    pairs: dict[str, str | int] = {
        "host": address.host,
        "port": address.port,
        "user": address.user,
        "password": address.password,
        "dbname": address.database,
    }
    return " ".join(f"{key}={value}" for key, value in (pairs | changes).items())


@pytest.fixture
def role(postgres_server: Server) -> Iterator[DatabaseAddress]:
    """A role that may log in, and no more."""
    name, password = f"guest_{secrets.token_hex(4)}", secrets.token_hex(16)
    identifier = sql.Identifier(name)
    with connect(postgres_server.address) as connection:
        connection.execute(sql.SQL("CREATE ROLE {} LOGIN PASSWORD {}").format(identifier, password))
        address = postgres_server.address
        yield type(address)(address.host, address.port, name, password, address.database)
        connection.execute(sql.SQL("DROP ROLE {}").format(identifier))


def wait_for_reload(connection: psycopg.Connection[TupleRow]) -> None:
    deadline = time.monotonic() + 30
    while connection.execute("SHOW primary_conninfo").fetchone() == ("",):
        assert time.monotonic() < deadline
        time.sleep(0.01)


def refusal(dsn: str, janitor: Janitor) -> str:
    with pytest.raises(BadInput) as refusal, open_server(dsn, None, janitor):
        pass
    return str(refusal.value)


def test_the_embedded_server_is_the_default(postgres_server: Server) -> None:
    assert postgres_server.origin == "embedded"
    assert postgres_server.version == postgres_server.binaries.version
    assert postgres_server.is_superuser
    assert postgres_server.can_checkpoint
    assert postgres_server.postmaster_pid is not None


def test_a_folder_of_binaries_makes_a_server_of_that_version(
    installation: Binaries, janitor: Janitor
) -> None:
    with open_server(None, installation.directory, janitor) as server:
        assert (server.origin, server.version) == ("pg-bin", installation.version)
        with connect(server.address) as connection:
            row = connection.execute("SHOW server_version").fetchone()
    assert row is not None
    assert row[0].split()[0] == installation.version


def test_a_dsn_opens_a_server_that_stays(postgres_server: Server, janitor: Janitor) -> None:
    with open_server(dsn_of(postgres_server.address), None, janitor) as server:
        assert server.origin == "dsn"
        assert server.version == postgres_server.version
        assert server.postmaster_pid is None
        assert server.binaries.path("pgbench").is_file()
    with connect(postgres_server.address) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)


def test_the_rights_of_a_role_are_found_out(
    postgres_server: Server, role: DatabaseAddress, janitor: Janitor
) -> None:
    name = sql.Identifier(role.user)
    with connect(postgres_server.address) as connection:
        connection.execute(sql.SQL("ALTER ROLE {} CREATEDB").format(name))
        with open_server(dsn_of(role), None, janitor) as server:
            assert (server.is_superuser, server.can_checkpoint) == (False, False)
        connection.execute(sql.SQL("GRANT pg_checkpoint TO {}").format(name))
        with open_server(dsn_of(role), None, janitor) as server:
            assert (server.is_superuser, server.can_checkpoint) == (False, True)


def test_a_role_that_may_not_create_databases_is_refused(
    role: DatabaseAddress, janitor: Janitor
) -> None:
    assert f"role {role.user} may not create databases: grant" in refusal(dsn_of(role), janitor)


def test_a_server_that_does_not_answer_is_reported(
    postgres_server: Server, janitor: Janitor
) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
        dsn = dsn_of(postgres_server.address, port=port)
        assert f"127.0.0.1:{port} (Connection refused)" in refusal(dsn, janitor)


def test_a_port_that_accepts_and_stays_silent_is_reported(
    postgres_server: Server, janitor: Janitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("outboxbench.harness.postgres.server.CONNECT_TIMEOUT_S", 2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        dsn = dsn_of(postgres_server.address, port=silent.getsockname()[1])
        assert "timeout" in refusal(dsn, janitor)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"password": "wr0ng"}, "password authentication failed"),
        ({"dbname": "nowhere"}, 'database "nowhere" does not exist'),
    ],
)
def test_a_server_that_refuses_is_reported_with_its_reason_and_no_password(
    postgres_server: Server, janitor: Janitor, changes: dict[str, str], reason: str
) -> None:
    said = refusal(dsn_of(postgres_server.address, **changes), janitor)
    assert reason in said
    assert "\n" not in said
    assert postgres_server.address.password not in said
    assert "wr0ng" not in said


def test_a_dsn_and_a_folder_exclude_each_other(janitor: Janitor, tmp_path: Path) -> None:
    with (
        pytest.raises(BadInput, match="exclude each other"),
        open_server("host=h", tmp_path, janitor),
    ):
        pass


def test_settings_tell_what_is_not_the_default_and_how_durable_it_is(
    postgres_server: Server,
) -> None:
    settings = postgres_server.settings()
    assert settings["shared_buffers"] == "256MB"
    assert settings["fsync"] == settings["synchronous_commit"] == "on"
    assert settings["full_page_writes"] == "on"
    assert "work_mem" not in settings


def test_settings_hold_no_place_and_no_secret(postgres_server: Server) -> None:
    with connect(postgres_server.address) as connection:
        connection.execute("ALTER SYSTEM SET primary_conninfo = 'password=geheim'")
        connection.execute("ALTER SYSTEM SET archive_command = 'cp %p /somewhere'")
        connection.execute("SELECT pg_reload_conf()")
        try:
            wait_for_reload(connection)
            settings = postgres_server.settings()
        finally:
            connection.execute("ALTER SYSTEM RESET primary_conninfo")
            connection.execute("ALTER SYSTEM RESET archive_command")
            connection.execute("SELECT pg_reload_conf()")
    said = " ".join(settings.values())
    assert "geheim" not in said
    assert "/" not in said.replace("Etc/UTC", "")
    assert not {"port", "listen_addresses", "data_directory", "application_name"} & settings.keys()
