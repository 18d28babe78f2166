"""Databases behind the network proxy work as they do, only farther away."""

from __future__ import annotations

import os
import signal
from dataclasses import replace
from time import monotonic
from typing import TYPE_CHECKING, Any

import psutil
import psycopg
import pytest
from tests.harness.wire.transactions import SCHEMA, over_asyncpg, over_psycopg

from outboxbench.harness.errors import CannotRun
from outboxbench.harness.postgres.server import connect, open_server
from outboxbench.harness.wire.delay_check import measure_delay
from outboxbench.harness.wire.proxy_process import NetworkProxy

if TYPE_CHECKING:
    from outboxbench.core.strategies.settings import DatabaseAddress, SslMode
    from outboxbench.harness.janitor import Janitor
    from outboxbench.harness.postgres.server import Server

RTT_MS = 20.0
ROUND_TRIPS = 6


@pytest.mark.parametrize("over", [over_asyncpg, over_psycopg])
async def test_a_transaction_pays_for_each_of_its_round_trips(
    over: Any, database: DatabaseAddress, janitor: Janitor
) -> None:
    with connect(database) as connection:
        connection.execute(SCHEMA)
    with NetworkProxy(database, RTT_MS, janitor) as proxy:
        async with over(proxy.address(database.database)) as transaction:
            await transaction()
            began_s = monotonic()
            await transaction()
            took_s = monotonic() - began_s
    with connect(database) as connection:
        assert connection.execute("SELECT version FROM item").fetchone() == (3,)
        assert connection.execute("SELECT count(*) FROM box").fetchone() == (4,)

    # BEGIN may travel with the statement that follows it.
    assert took_s >= (ROUND_TRIPS - 1) * RTT_MS / 1000


def test_a_pipeline_pays_once(database: DatabaseAddress, janitor: Janitor) -> None:
    with (
        NetworkProxy(database, 10 * RTT_MS, janitor) as proxy,
        connect(proxy.address(database.database)) as connection,
    ):
        began_s = monotonic()
        with connection.pipeline():
            cursors = [connection.execute("SELECT %s::int", [number]) for number in range(50)]
            assert [cursor.fetchone() for cursor in cursors] == [(number,) for number in range(50)]
        assert monotonic() - began_s < 50 * 10 * RTT_MS / 1000


def test_a_server_that_is_killed_ends_its_clients(janitor: Janitor) -> None:
    with open_server(None, None, janitor) as server:
        assert server.postmaster_pid is not None
        postmaster = psutil.Process(server.postmaster_pid)
        with (
            NetworkProxy(server.address, 1.0, janitor) as proxy,
            connect(proxy.address(server.address.database)) as connection,
        ):
            for process in (postmaster, *postmaster.children()):
                process.kill()
            with pytest.raises(psycopg.OperationalError):
                connection.execute("SELECT 1")


@pytest.mark.parametrize("sslmode", ["disable", "prefer", "require", "verify-ca"])
def test_tls_is_left_to_the_address(
    sslmode: SslMode, database: DatabaseAddress, janitor: Janitor
) -> None:
    with NetworkProxy(replace(database, sslmode=sslmode), 0.0, janitor) as proxy:
        seen = proxy.address("other")
        assert (seen.sslmode, seen.host, seen.database) == (sslmode, "127.0.0.1", "other")


def test_an_address_that_checks_the_name_of_the_server_is_refused(
    database: DatabaseAddress, janitor: Janitor
) -> None:
    with pytest.raises(CannotRun, match="use sslmode=verify-ca in the DSN"):
        NetworkProxy(replace(database, sslmode="verify-full"), 0.0, janitor)


def test_leaving_ends_the_proxy(database: DatabaseAddress, janitor: Janitor) -> None:
    with NetworkProxy(database, 1.0, janitor) as proxy:
        assert psutil.pid_exists(proxy.pid)

    assert not psutil.pid_exists(proxy.pid)


def test_the_delay_that_is_measured_is_at_least_the_one_asked(
    postgres_server: Server, janitor: Janitor
) -> None:
    measured = measure_delay(postgres_server, RTT_MS, janitor, samples=20)

    assert (measured.rtt_ms, measured.samples) == (RTT_MS, 20)
    # Without the delay a round trip takes time as well, which a slow machine may make long.
    assert RTT_MS * 500 < measured.added_p50_us <= measured.added_p99_us


def test_a_proxy_that_is_killed_breaks_connections_and_nothing_else(
    database: DatabaseAddress, janitor: Janitor
) -> None:
    with (
        NetworkProxy(database, 1.0, janitor) as proxy,
        connect(proxy.address(database.database)) as connection,
    ):
        os.kill(proxy.pid, signal.SIGKILL)
        with pytest.raises(psycopg.OperationalError):
            connection.execute("SELECT 1")
