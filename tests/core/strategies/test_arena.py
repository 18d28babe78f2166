"""What the arena of the contract promises to every test."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

import asyncpg

from outboxbench.core.strategies.registry import load_strategy
from outboxbench.testing.postgres_arena import PostgresArena

if TYPE_CHECKING:
    from outboxbench.core.strategies.settings import DatabaseAddress


async def test_no_session_of_an_earlier_test_is_counted_among_those_of_the_next(
    database: DatabaseAddress,
) -> None:
    lingering = await asyncpg.connect(
        host=database.host,
        port=database.port,
        user=database.user,
        password=database.password,
        database=database.database,
    )
    arena = PostgresArena(load_strategy("asyncpg"), "matched", database)
    entering = asyncio.create_task(arena.__aenter__())
    await asyncio.sleep(0.2)
    assert not entering.done()
    await lingering.close()

    async with AsyncExitStack() as stack:
        stack.push_async_exit(await entering)
        await arena.open(pool_size=2)
        assert len(await arena.backends()) == 2
