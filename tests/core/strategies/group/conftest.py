"""Strategies whose units of work travel together, each over tables of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest_asyncio

from outboxbench.core.strategies.registry import load_strategy
from outboxbench.testing.postgres_arena import PostgresArena

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import pytest

    from outboxbench.core.strategies.settings import DatabaseAddress


@pytest_asyncio.fixture(params=["asyncpg-group", "psycopg-group"])
async def arena(
    request: pytest.FixtureRequest, contract_database: DatabaseAddress
) -> AsyncIterator[PostgresArena]:
    async with PostgresArena(load_strategy(request.param), "matched", contract_database) as arena:
        yield arena
