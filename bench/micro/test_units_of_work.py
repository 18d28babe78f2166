"""What repositories and units of work cost the client with each strategy, in CPU and round trips.

How long the server and the way to it take is for suites to say. The round trips are counted
through the wire proxy beforehand.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from itertools import count
from time import process_time
from typing import TYPE_CHECKING
from uuid import UUID, uuid4

import pytest
from bench.micro.in_one_loop import measure

from outboxbench.core.application.outcome import Attempt
from outboxbench.core.domain.ordering import Order, OrderLine
from outboxbench.core.strategies.registry import load_strategy
from outboxbench.core.strategies.settings import StrategySettings
from outboxbench.harness.load.dataset import account_id, order_id

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from pytest_benchmark.fixture import BenchmarkFixture

    from outboxbench.core.application.ports import Persistence
    from outboxbench.core.strategies.settings import DatabaseAddress
    from outboxbench.harness.wire.proxy_process import WireProxy

    Step = Callable[[Persistence, int], Awaitable[None]]

pytestmark = [
    pytest.mark.benchmark(group="units of work", timer=process_time, max_time=0.3),
    pytest.mark.in_baseline,
]

STRATEGIES = (
    "asyncpg",
    "asyncpg-group",
    "asyncpg-single",
    "core-asyncpg",
    "core-asyncpg-single",
    "core-psycopg",
    "orm-asyncpg",
    "orm-psycopg",
    "psycopg",
    "psycopg-group",
    "psycopg-pipeline",
    "psycopg-single",
)
ACCOUNTS, ORDERS = 1_000, 200
WARM_UPS = 20
COUNTED = 20
SETTLING_S = 0.05
LINES = tuple(OrderLine(number, f"sku-{number}", number, 1_000) for number in range(1, 4))


async def get_order(persistence: Persistence, number: int) -> None:
    async with persistence.unit_of_work(Attempt(uuid4())) as unit:
        await unit.orders.get(order_id(1 + number % ORDERS))


async def save_account(persistence: Persistence, number: int) -> None:
    async with persistence.unit_of_work(Attempt(uuid4())) as unit:
        account = await unit.accounts.get(account_id(1 + number % ACCOUNTS))
        account.charge(UUID(int=number), 5)
        await unit.accounts.save(account)
        await unit.commit()


async def add_order(persistence: Persistence, number: int) -> None:
    async with persistence.unit_of_work(Attempt(uuid4())) as unit:
        order = Order.place(uuid4(), account_id(1 + number % ACCOUNTS), LINES)
        await unit.orders.add(order)
        await unit.commit()


@pytest.mark.parametrize("strategy", STRATEGIES)
@pytest.mark.parametrize("step", [get_order, save_account, add_order])
def test_unit_of_work(
    step: Step,
    strategy: str,
    benchmark: BenchmarkFixture,
    small_database: DatabaseAddress,
    proxy: WireProxy,
) -> None:
    settings = StrategySettings(small_database, pool_size=1, server_major=18)

    async def work() -> None:
        through_proxy = replace(settings, address=proxy.address(small_database.database))
        persistence = await load_strategy(strategy).open(through_proxy)
        try:
            round_trips = await _round_trips(step, persistence, proxy)
        finally:
            await persistence.close()
        benchmark.extra_info["counts"] = {"round_trips": round_trips}
        persistence = await load_strategy(strategy).open(settings)
        numbers = count()
        try:
            for _ in range(WARM_UPS):
                await step(persistence, next(numbers))
            await measure(benchmark, lambda: step(persistence, next(numbers)))
        finally:
            await persistence.close()

    asyncio.run(work())


async def _round_trips(step: Step, persistence: Persistence, proxy: WireProxy) -> float:
    for number in range(WARM_UPS):
        await step(persistence, number)
    await asyncio.sleep(SETTLING_S)
    before = proxy.counts()
    for number in range(COUNTED):
        await step(persistence, number)
    await asyncio.sleep(SETTLING_S)
    return (proxy.counts() - before).round_trips / COUNTED
