"""A commit that is cut was not made, or was made without its client ever hearing of it."""

from __future__ import annotations

import contextlib
from time import monotonic, sleep
from typing import TYPE_CHECKING

import pytest
from tests.harness.wire.faults import (
    BROKEN,
    COMMITS,
    INSERT,
    PATIENCE_S,
    SCHEMA,
    asyncpg_over,
    psycopg_over,
    rows,
)

from outboxbench.harness.postgres.server import connect

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from outboxbench.core.strategies.settings import DatabaseAddress
    from outboxbench.harness.wire.proxy_process import FaultProxy

    Commit = Callable[[DatabaseAddress], Awaitable[None]]


@pytest.fixture
def table(database: DatabaseAddress) -> DatabaseAddress:
    """The database with a table, reached without the proxy."""
    with connect(database) as connection:
        connection.execute(SCHEMA)
    return database


@pytest.fixture
def faulty(fault_proxy: FaultProxy, table: DatabaseAddress) -> DatabaseAddress:
    """The same through the proxy."""
    return fault_proxy.address(table.database)


def wait_for_backends_to_end(address: DatabaseAddress) -> None:
    """Wait until the server has noticed that its clients are gone."""
    others = "SELECT count(*) FROM pg_stat_activity WHERE datname = %s AND pid <> pg_backend_pid()"
    deadline_s = monotonic() + PATIENCE_S
    with connect(address) as connection:
        while connection.execute(others, [address.database]).fetchone() != (0,):
            assert monotonic() < deadline_s
            sleep(0.01)


@pytest.mark.parametrize("commit", COMMITS)
async def test_before_the_commit_nothing_is_there(
    commit: Commit, faulty: DatabaseAddress, table: DatabaseAddress, fault_proxy: FaultProxy
) -> None:
    assert fault_proxy.ask({"do": "commit-cut", "when": "before", "count": 1}) == {"armed": 1}

    with pytest.raises(BROKEN):
        await commit(faulty)

    assert fault_proxy.ask({"do": "heal"}) == {"cut": 1, "answers_dropped": 0}
    wait_for_backends_to_end(table)
    assert rows(table) == 0


@pytest.mark.parametrize("commit", COMMITS)
async def test_after_the_commit_it_is_there_and_nobody_hears_of_it(
    commit: Commit, faulty: DatabaseAddress, table: DatabaseAddress, fault_proxy: FaultProxy
) -> None:
    fault_proxy.ask({"do": "commit-cut", "when": "after", "count": 1})

    with pytest.raises(BROKEN):
        await commit(faulty)

    assert rows(table) == 1
    assert fault_proxy.ask({"do": "heal"}) == {"cut": 1, "answers_dropped": 1}


@pytest.mark.parametrize("commit", COMMITS)
async def test_without_a_cut_it_commits(
    commit: Commit, faulty: DatabaseAddress, table: DatabaseAddress
) -> None:
    await commit(faulty)

    assert rows(table) == 1


async def test_so_many_are_cut_as_were_asked_for(
    faulty: DatabaseAddress, table: DatabaseAddress, fault_proxy: FaultProxy
) -> None:
    fault_proxy.ask({"do": "commit-cut", "when": "after", "count": 2})
    failures = 0
    for number, commit in enumerate([*COMMITS[:3], *COMMITS[:2]], start=1):
        try:
            await commit(faulty)
        except BROKEN:
            failures += 1
        assert fault_proxy.ask({"do": "count"})["cut"] == min(2, number)

    assert failures == 2
    assert rows(table) == 5
    assert fault_proxy.ask({"do": "heal"})["cut"] == 2


async def test_what_was_prepared_before_is_known_when_cuts_are_armed(
    faulty: DatabaseAddress, table: DatabaseAddress, fault_proxy: FaultProxy
) -> None:
    connection = await asyncpg_over(faulty)
    try:
        insert = await connection.prepare("INSERT INTO item VALUES ($1)")
        await insert.fetch(1)
        fault_proxy.ask({"do": "commit-cut", "when": "after", "count": 1})
        with pytest.raises(BROKEN):
            await insert.fetch(2)
    finally:
        connection.terminate()
    assert rows(table) == 2


async def test_a_long_write_is_cut_as_well(
    faulty: DatabaseAddress, table: DatabaseAddress, fault_proxy: FaultProxy
) -> None:
    # More than is read at once, so that its end is still to come when it is recognized.
    text = f"{INSERT} /* {'long' * 500_000} */"
    fault_proxy.ask({"do": "commit-cut", "when": "after", "count": 1})

    with psycopg_over(faulty) as connection, pytest.raises(BROKEN):
        connection.execute(text)

    assert rows(table) == 1


async def test_reads_and_rollbacks_pass(
    faulty: DatabaseAddress, table: DatabaseAddress, fault_proxy: FaultProxy
) -> None:
    fault_proxy.ask({"do": "commit-cut", "when": "before", "count": 1})
    with psycopg_over(faulty) as connection:
        connection.execute("SELECT * FROM item")
        connection.execute("SELECT * FROM item WHERE id = %s FOR UPDATE", [1])
        connection.execute("WITH one AS (SELECT 1) SELECT %s::int FROM one", [1])
        with contextlib.suppress(ZeroDivisionError), connection.transaction():
            connection.execute("INSERT INTO item VALUES (%s)", [1])
            raise ZeroDivisionError
    # A commit of its own would follow from leaving a block of psycopg's.
    with contextlib.closing(psycopg_over(faulty, autocommit=False)) as connection:
        connection.execute(INSERT)
        connection.rollback()
    own = await asyncpg_over(faulty)
    try:
        assert await own.fetch("SELECT * FROM item WHERE id = $1", 1) == []
        with contextlib.suppress(ZeroDivisionError):
            async with own.transaction():
                await own.execute("INSERT INTO item VALUES ($1)", 1)
                raise ZeroDivisionError
        assert fault_proxy.ask({"do": "heal"}) == {"cut": 0, "answers_dropped": 0}
        await own.execute("INSERT INTO item VALUES ($1)", 1)
    finally:
        await own.close()
    assert rows(table) == 1
