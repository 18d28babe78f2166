"""Whoever locks several shards locks them in one order, or two of one relay wait for each other."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final

import pytest
from tests.waiting import until

from outboxbench.core.application.outbox import Settlement
from outboxbench.core.strategies.registry import load_strategy
from outboxbench.core.strategies.relay_plans.sharded import SHARDS
from outboxbench.core.strategies.settings import StrategySettings
from outboxbench.harness.postgres.server import connect
from outboxbench.harness.relay_database import prepare_database
from outboxbench.harness.relaying.backlog import Backlog, fill

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
    from uuid import UUID

    import psycopg

    from outboxbench.core.application.outbox import Run
    from outboxbench.core.application.ports import Outbox
    from outboxbench.core.strategies.settings import DatabaseAddress

LEASE_S: Final = 60.0
WAITS: Final = """
    SELECT count(*) FROM pg_stat_activity
    WHERE datname = current_database() AND wait_event_type = 'Lock'"""


class Sharded:
    """A relay that owns all shards, and has a message of each in its hands."""

    def __init__(self, outbox: Outbox, address: DatabaseAddress, runs: Sequence[Run]) -> None:
        self.outbox = outbox
        self.address = address
        self.runs = runs


@pytest.fixture
async def sharded(database: DatabaseAddress) -> AsyncIterator[Sharded]:
    prepare_database(database, "sharded", announces=False)
    with connect(database) as connection:
        fill(connection, Backlog(200, 200))
    persistence = await load_strategy("asyncpg").open(StrategySettings(database, pool_size=4))
    outbox = persistence.outbox("sharded", LEASE_S)
    runs = [run async for run in _all_runs(outbox)]
    yield Sharded(outbox, database, runs)
    await persistence.close()


async def _all_runs(outbox: Outbox) -> AsyncIterator[Run]:
    while runs := await outbox.claim(100):
        for run in runs:
            yield run


async def settle(sharded: Sharded) -> None:
    await sharded.outbox.settle([Settlement(run, len(run.messages)) for run in sharded.runs])


async def renew(sharded: Sharded) -> None:
    await sharded.outbox.renew([])


async def close(sharded: Sharded) -> None:
    await sharded.outbox.close()


@pytest.mark.parametrize("lock", [settle, renew, close])
async def test_who_waits_for_the_first_shard_holds_no_other(
    lock: Callable[[Sharded], Coroutine[Any, Any, None]], sharded: Sharded
) -> None:
    assert len({_shard(sharded, run.aggregate_id) for run in sharded.runs}) == SHARDS
    with connect(sharded.address) as first, connect(sharded.address) as others:
        first.autocommit = False
        first.execute("SELECT FROM relay_shards WHERE shard = 0 FOR UPDATE")
        locking: asyncio.Task[None] = asyncio.create_task(lock(sharded))
        try:
            await until(lambda: bool(_number(others, WAITS)))
            free = _number(
                others,
                "SELECT count(*) FROM (SELECT FROM relay_shards WHERE shard > 0"
                " FOR UPDATE SKIP LOCKED) AS free",
            )
        finally:
            first.rollback()
            await locking
    assert free == SHARDS - 1


def _shard(sharded: Sharded, aggregate_id: UUID) -> int:
    with connect(sharded.address) as connection:
        row = connection.execute("SELECT uuid_hash(%s) & 15", (aggregate_id,)).fetchone()
    assert row is not None
    return int(row[0])


def _number(connection: psycopg.Connection[Any], query: str) -> int:
    row = connection.execute(query.encode()).fetchone()
    assert row is not None
    return int(row[0])
