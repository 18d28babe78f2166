"""After the warm-up every connection of a pool holds the statements of the load, prepared."""

from __future__ import annotations

import asyncio
from itertools import count
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest

from outboxbench.core.application.outcome import Outcome
from outboxbench.core.application.retry import RetryPolicy, run_operation
from outboxbench.core.domain.ordering import AmendOrderLine, OrderLine, PlaceOrder
from outboxbench.core.domain.payments import ChargeAccount
from outboxbench.core.strategies import statements
from outboxbench.core.strategies.asyncpg import ASYNCPG
from outboxbench.core.strategies.psycopg import PSYCOPG
from outboxbench.core.strategies.registry import Strategy, load_strategy
from outboxbench.core.strategies.settings import StrategySettings
from outboxbench.harness.load import warm_up as module
from outboxbench.harness.load.dataset import account_id, order_id
from outboxbench.harness.load.warm_up import warm_up
from outboxbench.harness.postgres.server import connect

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from datetime import datetime

    from outboxbench.core.application.message_bus import MessageBus
    from outboxbench.core.strategies.settings import DatabaseAddress

POOL_SIZE = 3
NEW_QUANTITIES = count(100)
PREPARED = "SELECT statement FROM pg_prepared_statements"
HOT_STATEMENTS = (
    statements.SELECT_ACCOUNT,
    statements.UPDATE_ACCOUNT,
    statements.INSERT_MESSAGE,
    statements.SELECT_ORDER,
    statements.SELECT_ORDER_LINES,
    statements.UPDATE_ORDER,
    statements.UPDATE_ORDER_LINE,
    statements.INSERT_ORDER,
    statements.INSERT_ORDER_LINE,
)


async def run_each_command(bus: MessageBus, number: int) -> None:
    # Each task has aggregates of its own: a conflict ends in ROLLBACK, after which psycopg forgets
    # what it has prepared.
    account, order = account_id(1 + number), order_id(1 + number)
    line = OrderLine(1, "sku-1", 1, 100)
    for command in (
        ChargeAccount(account_id=account, order_id=order, amount_cents=1),
        PlaceOrder(order_id=uuid4(), account_id=account, lines=(line,), tags=()),
        AmendOrderLine(order_id=order, line_no=1, quantity=next(NEW_QUANTITIES)),
    ):
        result = await run_operation(bus, command, uuid4(), RetryPolicy(1))
        assert result.outcome is Outcome.OK


async def all_at_once(pool: Any, query: Callable[[Any], Awaitable[set[str]]]) -> list[set[str]]:
    async with asyncio.timeout(30):
        connections = [await acquire(pool) for _ in range(POOL_SIZE)]
    try:
        return [await query(connection) for connection in connections]
    finally:
        for connection in connections:
            await release(pool, connection)


async def acquire(pool: Any) -> Any:
    return await (pool.acquire() if hasattr(pool, "acquire") else pool.getconn())


async def release(pool: Any, connection: Any) -> None:
    await (pool.release(connection) if hasattr(pool, "release") else pool.putconn(connection))


async def prepared_by_asyncpg(connection: Any) -> set[str]:
    return {row[0] for row in await connection.fetch(PREPARED)}


async def prepared_by_psycopg(connection: Any) -> set[str]:
    cursor = await connection.execute(PREPARED)
    found = {row[0] for row in await cursor.fetchall()}
    await connection.rollback()
    return found


@pytest.mark.parametrize(
    ("strategy", "query"),
    [(ASYNCPG, prepared_by_asyncpg), (PSYCOPG, prepared_by_psycopg)],
    ids=["asyncpg", "psycopg"],
)
async def test_every_connection_holds_every_hot_statement(
    strategy: Strategy, query: Any, seeded: DatabaseAddress
) -> None:
    persistence: Any = await strategy.open(StrategySettings(seeded, pool_size=POOL_SIZE))
    try:
        await warm_up(persistence, POOL_SIZE, run_each_command)
        prepared = await all_at_once(persistence._pool, query)
    finally:
        await persistence.close()

    for held in prepared:
        assert set(HOT_STATEMENTS) <= held


@pytest.mark.parametrize(
    "name", ["asyncpg", "psycopg", "core-asyncpg", "core-psycopg", "orm-asyncpg", "orm-psycopg"]
)
async def test_every_connection_is_used_and_none_is_added(
    name: str, seeded: DatabaseAddress
) -> None:
    backends = (
        "SELECT pid, state_change FROM pg_stat_activity"
        " WHERE datname = current_database() AND application_name = 'outboxbench'"
    )
    persistence = await load_strategy(name).open(StrategySettings(seeded, pool_size=POOL_SIZE))
    try:
        with connect(seeded) as connection:
            before: dict[int, datetime] = dict(connection.execute(backends).fetchall())
            await warm_up(persistence, POOL_SIZE, run_each_command)
            after: dict[int, datetime] = dict(connection.execute(backends).fetchall())
    finally:
        await persistence.close()

    assert len(before) == POOL_SIZE
    assert after.keys() == before.keys()
    assert all(after[pid] > before[pid] for pid in before)


async def test_a_pool_that_is_smaller_than_it_should_be_is_reported(
    seeded: DatabaseAddress, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "TIMEOUT_S", 0.3)
    persistence = await load_strategy("asyncpg").open(StrategySettings(seeded, pool_size=1))
    try:
        with pytest.raises(TimeoutError, match="3 connections in use at once"):
            await warm_up(persistence, POOL_SIZE, run_each_command)
    finally:
        await persistence.close()
