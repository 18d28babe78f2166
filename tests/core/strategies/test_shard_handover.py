"""Shards change hands as soon as they can, and not only when leases are renewed."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final

import pytest
from tests.waiting import until_answered

from outboxbench.core.application.outbox import Settlement
from outboxbench.core.strategies.registry import load_strategy
from outboxbench.core.strategies.relay_plans.sharded import SHARDS
from outboxbench.core.strategies.settings import StrategySettings
from outboxbench.harness.postgres.server import connect
from outboxbench.harness.relay_database import prepare_database
from outboxbench.harness.relaying.backlog import Backlog, fill

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from outboxbench.core.application.outbox import Run
    from outboxbench.core.application.ports import Outbox, Persistence
    from outboxbench.core.strategies.settings import DatabaseAddress

LEASE_S: Final = 5.0
AGGREGATES: Final = 200
OWNERS: Final = "SELECT token, count(*) FROM relay_shards GROUP BY token"


@pytest.fixture
async def persistence(database: DatabaseAddress) -> AsyncIterator[Persistence]:
    prepare_database(database, "sharded", announces=False)
    with connect(database) as connection:
        fill(connection, Backlog(AGGREGATES, AGGREGATES))
    opened = await load_strategy("asyncpg").open(StrategySettings(database, pool_size=4))
    yield opened
    await opened.close()


async def test_whoever_comes_owns_a_fair_share_before_anybody_has_renewed(
    database: DatabaseAddress, persistence: Persistence
) -> None:
    first, second = (persistence.outbox("sharded", LEASE_S) for _ in range(2))
    await _settle(first, await first.claim(1))
    assert _owned(database) == [SHARDS]

    async def is_even() -> bool:
        for outbox in (first, second):
            await _settle(outbox, await outbox.claim(1))
        return _owned(database) == [SHARDS // 2] * 2

    await until_answered(is_even)


async def test_a_shard_on_its_way_changes_hands_once_it_is_settled(
    database: DatabaseAddress, persistence: Persistence
) -> None:
    first, second = (persistence.outbox("sharded", LEASE_S) for _ in range(2))
    held = await _all_of(first)
    await second.claim(1)
    await first.renew([])
    assert _owned(database) == [SHARDS]
    await _settle(first, held)
    assert not await first.claim(1)

    async def is_even() -> bool:
        await second.claim(1)
        return _owned(database) == [SHARDS // 2] * 2

    await until_answered(is_even)


async def test_what_was_read_of_a_shard_that_was_given_up_meanwhile_is_not_delivered(
    database: DatabaseAddress, persistence: Persistence
) -> None:
    first, second = (persistence.outbox("sharded", LEASE_S) for _ in range(2))
    await _settle(first, await first.claim(1))
    with connect(database) as blocker:
        blocker.autocommit = False
        blocker.execute("LOCK TABLE outbox IN ACCESS EXCLUSIVE MODE")
        reading = asyncio.create_task(_all_of(first))
        with connect(database) as observer:
            await until_answered(lambda: _is_locked_out(observer))
        await second.claim(1)
        await first.renew([])
        blocker.rollback()
        runs = await reading
    assert _owned(database) == [SHARDS // 2]
    with connect(database) as connection:
        token = runs[0].lease.token
        kept = {
            row[0]
            for row in connection.execute(
                "SELECT shard FROM relay_shards WHERE token = %s", (token,)
            )
        }
        for run in runs:
            row = connection.execute("SELECT uuid_hash(%s) & 15", (run.aggregate_id,)).fetchone()
            assert row is not None
            assert row[0] in kept


async def _all_of(outbox: Outbox) -> list[Run]:
    claimed: list[Run] = []
    while runs := await outbox.claim(AGGREGATES):
        claimed.extend(runs)
    return claimed


async def _settle(outbox: Outbox, runs: Any) -> None:
    if runs:
        await outbox.settle([Settlement(run, len(run.messages)) for run in runs])


async def _is_locked_out(connection: Any) -> bool:
    row = connection.execute(
        "SELECT count(*) FROM pg_stat_activity"
        " WHERE datname = current_database() AND wait_event_type = 'Lock'"
    ).fetchone()
    return bool(row[0])


def _owned(address: DatabaseAddress) -> list[int]:
    """How many shards each of those has who have any."""
    with connect(address) as connection:
        return [count for token, count in connection.execute(OWNERS) if token]
