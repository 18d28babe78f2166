"""Tortoise ORM over asyncpg, as a strategy of outboxbench."""

from outboxbench.core.strategies.registry import Strategy
from outboxbench_tortoise.persistence import open_persistence

TORTOISE = Strategy(
    name="tortoise",
    library="tortoise-orm",
    driver="asyncpg",
    write_plan="statements",
    open=open_persistence,
)
