"""Where the fault proxy leads: to which server, whether to any, and under which addresses."""

from __future__ import annotations

import contextlib
import socket
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from tests.harness.wire.faults import BROKEN, psycopg_over
from tests.harness.wire.wires import assert_works, new_wire

from outboxbench.harness.errors import CannotRun
from outboxbench.harness.postgres.server import connect, open_server
from outboxbench.harness.wire.proxy_process import FaultProxy

if TYPE_CHECKING:
    from typing import Any

    from outboxbench.core.strategies.settings import DatabaseAddress
    from outboxbench.harness.janitor import Janitor
    from outboxbench.harness.postgres.server import Server


def test_new_connections_go_where_they_are_pointed_to(
    postgres_server: Server, janitor: Janitor
) -> None:
    def identity(address: DatabaseAddress) -> Any:
        with connect(address) as connection:
            return connection.execute(
                "SELECT system_identifier FROM pg_control_system()"
            ).fetchone()

    first = postgres_server.address
    with (
        open_server(None, None, janitor) as other,
        FaultProxy(first, janitor) as proxy,
        contextlib.closing(psycopg_over(proxy.address(first.database))) as connection,
    ):
        second = other.address
        pointed = proxy.ask({"do": "point", "host": second.host, "port": second.port})

        assert pointed == {"connections": 1}
        with pytest.raises(BROKEN):
            connection.execute("SELECT 1")
        port = proxy.address(first.database).port
        seen = identity(replace(second, host="127.0.0.1", port=port))
        assert seen == identity(second) != identity(first)
        # It is no fault that could be healed.
        assert proxy.ask({"do": "heal"}) == {}
        assert identity(replace(second, host="127.0.0.1", port=port)) == seen


def test_a_server_that_refuses_resets_the_client(
    janitor: Janitor, database: DatabaseAddress
) -> None:
    with FaultProxy(database, janitor) as proxy:
        with socket.create_server(("127.0.0.1", 0)) as closed:
            port = closed.getsockname()[1]
        proxy.ask({"do": "point", "host": "127.0.0.1", "port": port})
        with new_wire(proxy.address("any")) as wire, pytest.raises(ConnectionResetError):
            wire.recv(1)


def test_who_is_refused_is_served_again_at_the_same_port_once_it_points_somewhere(
    janitor: Janitor, database: DatabaseAddress
) -> None:
    with FaultProxy(database, janitor) as proxy:
        address = proxy.address(database.database)
        with contextlib.closing(psycopg_over(address)) as connection:
            assert proxy.ask({"do": "refuse"}) == {"connections": 1}
            with pytest.raises(BROKEN):
                connection.execute("SELECT 1")
        # Nothing that comes besides makes it listen, and nothing heals it.
        proxy.ask({"do": "stall"})
        for request in ("refuse", "heal", "black-hole", "heal"):
            proxy.ask({"do": request})
            with pytest.raises(ConnectionRefusedError), new_wire(address):
                pass
        for _ in range(2):
            proxy.ask({"do": "point", "host": database.host, "port": database.port})
            assert_works(address)


def test_an_address_that_enforces_tls_is_refused(
    database: DatabaseAddress, janitor: Janitor
) -> None:
    with pytest.raises(CannotRun, match="sslmode=require hides the commits"):
        FaultProxy(replace(database, sslmode="require"), janitor)


def test_an_address_that_would_like_tls_goes_without(
    database: DatabaseAddress, janitor: Janitor
) -> None:
    with FaultProxy(replace(database, sslmode="prefer"), janitor) as proxy:
        seen = proxy.address("other")
        assert (seen.host, seen.sslmode, seen.database) == ("127.0.0.1", "disable", "other")
