"""What one and the same transaction takes with each library, as its users write it.

That is: acquire, BEGIN, SELECT, UPDATE with version, two outbox INSERTs, COMMIT, release.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from psycopg_pool import AsyncConnectionPool
from tests.harness.wire.transactions import (
    SCHEMA,
    over_asyncpg,
    over_core,
    over_orm,
    over_psycopg,
)

from outboxbench.harness.postgres.server import connect

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractAsyncContextManager

    from tests.harness.wire.transactions import Transaction

    from outboxbench.core.strategies.settings import DatabaseAddress
    from outboxbench.harness.wire.proxy_process import WireProxy

    Opened = Callable[[DatabaseAddress], AbstractAsyncContextManager[Transaction]]

# Past psycopg's threshold, which prepares a statement when it runs for the sixth time.
WARM_UP = 8
OPERATIONS = 5


async def no_reset(_connection: Any) -> None: ...


CASES: dict[str, tuple[Opened, int]] = {
    # The last one is the query that resets a connection when it is given back.
    "asyncpg": (over_asyncpg, 7),
    "asyncpg without reset": (partial(over_asyncpg, reset=no_reset), 6),
    "asyncpg without cache": (partial(over_asyncpg, statement_cache_size=0), 11),
    "asyncpg executemany": (partial(over_asyncpg, executemany=True), 6),
    "psycopg": (over_psycopg, 6),
    "psycopg autocommit": (partial(over_psycopg, autocommit=True), 6),
    "psycopg check": (partial(over_psycopg, check=AsyncConnectionPool.check_connection), 7),
    "psycopg executemany": (partial(over_psycopg, executemany=True), 5),
    "Core over asyncpg": (partial(over_core, "asyncpg"), 6),
    "Core over psycopg": (partial(over_core, "psycopg"), 6),
    "Core over asyncpg, list": (partial(over_core, "asyncpg", as_list=True), 5),
    "Core over psycopg, list": (partial(over_core, "psycopg", as_list=True), 5),
    # It joins the two INSERTs.
    "ORM over asyncpg": (partial(over_orm, "asyncpg"), 5),
    "ORM over psycopg": (partial(over_orm, "psycopg"), 5),
    "Core over asyncpg, pre-ping": (partial(over_core, "asyncpg", pool_pre_ping=True), 9),
    "Core over psycopg, pre-ping": (partial(over_core, "psycopg", pool_pre_ping=True), 7),
}


@pytest.fixture
def items(database: DatabaseAddress, proxied: DatabaseAddress) -> DatabaseAddress:
    with connect(database) as connection:
        connection.execute(SCHEMA)
    return proxied


@pytest.mark.parametrize(("opened", "round_trips"), CASES.values(), ids=CASES.keys())
async def test_a_transaction_takes_its_round_trips(
    opened: Opened, round_trips: int, items: DatabaseAddress, proxy: WireProxy
) -> None:
    async with opened(items) as transaction:
        for _ in range(WARM_UP):
            await transaction()
        before = proxy.counts()
        for _ in range(OPERATIONS):
            await transaction()
        cost = (proxy.counts() - before).per_operation(OPERATIONS)

    assert cost.round_trips == round_trips
    assert cost.direction_changes == round_trips
    assert cost.commits == 1


async def test_a_pipeline_awaits_a_flush_beside_its_syncs(
    items: DatabaseAddress, proxy: WireProxy
) -> None:
    async with over_psycopg(items, pipeline=True) as transaction:
        for _ in range(WARM_UP):
            await transaction()
        before = proxy.counts()
        await transaction()
        counts = proxy.counts() - before

    # BEGIN with a Sync, the SELECT with a Flush, the writes with the COMMIT, and an empty Sync at
    # the end: one more than the server has been ready.
    assert counts.ready_for_query == 3
    assert counts.round_trips == 4
    assert counts.direction_changes == 4
    assert (counts.statements, counts.commits) == (6, 1)
