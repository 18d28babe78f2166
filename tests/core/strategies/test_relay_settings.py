"""What a relay's sessions are opened with: a relay that freezes gives up its locks."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest
from psycopg import pq
from psycopg.conninfo import make_conninfo

from outboxbench.core.strategies.settings import (
    OLDEST_WITH_TRANSACTION_TIMEOUT,
    DatabaseAddress,
    StrategySettings,
)
from outboxbench.harness.postgres.server import connect

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from psycopg.pq.abc import PGconn

LEASE_S = 0.2
PATIENCE_S = 20.0
HELD = """
    SELECT count(*) FROM pg_locks
    WHERE relation = to_regclass('held') AND mode = 'RowExclusiveLock'"""


@pytest.fixture
def open_session(database: DatabaseAddress) -> Iterator[Callable[[int], PGconn]]:
    opened: list[PGconn] = []

    def open_with(server_major: int) -> PGconn:
        conninfo = make_conninfo(
            host=database.host,
            port=database.port,
            user=database.user,
            password=database.password,
            dbname=database.database,
            options=StrategySettings(database, server_major=server_major)
            .for_relay(LEASE_S)
            .startup_options,
        )
        session = pq.PGconn.connect(conninfo.encode())
        opened.append(session)
        assert session.status == pq.ConnStatus.OK, session.error_message
        return session

    yield open_with
    for session in opened:
        session.finish()


def begin_to_hold(session: PGconn) -> None:
    session.exec_(b"BEGIN")
    session.exec_(b"INSERT INTO held VALUES (1)")


def is_released(database: DatabaseAddress) -> bool:
    deadline_s = time.monotonic() + PATIENCE_S
    with connect(database) as connection:
        while time.monotonic() < deadline_s:
            row = connection.execute(HELD).fetchone()
            if row == (0,):
                return True
            time.sleep(0.02)
    return False


@pytest.mark.parametrize("server_major", [15, OLDEST_WITH_TRANSACTION_TIMEOUT])
def test_a_relay_that_freezes_between_two_statements_gives_up_its_locks(
    server_major: int, database: DatabaseAddress, open_session: Callable[[int], PGconn]
) -> None:
    with connect(database) as connection:
        connection.execute("CREATE TABLE held (number integer)")
    begin_to_hold(open_session(server_major))
    assert is_released(database)


def test_a_relay_that_freezes_while_it_prepares_a_statement_gives_up_its_locks(
    database: DatabaseAddress, open_session: Callable[[int], PGconn]
) -> None:
    with connect(database) as connection:
        connection.execute("CREATE TABLE held (number integer)")
        server_major = connection.info.server_version // 10_000
    if server_major < OLDEST_WITH_TRANSACTION_TIMEOUT:
        pytest.skip("no limit of this server's ends a transaction in the middle of a command")
    session = open_session(server_major)
    begin_to_hold(session)
    # As asyncpg does: parsed and flushed, and not yet run.
    session.enter_pipeline_mode()
    session.send_prepare(b"statement", b"SELECT $1::integer")
    session.send_flush_request()
    session.flush()
    assert is_released(database)
