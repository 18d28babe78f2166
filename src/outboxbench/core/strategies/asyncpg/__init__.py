"""MagicStack's driver as it is, under each write plan that it can carry."""

from functools import partial

from outboxbench.core.strategies.asyncpg.group import open_group
from outboxbench.core.strategies.asyncpg.persistence import open_persistence
from outboxbench.core.strategies.asyncpg.single import AsyncpgSingleUnitOfWork
from outboxbench.core.strategies.asyncpg.unit_of_work import AsyncpgUnitOfWork
from outboxbench.core.strategies.registry import Strategy

ASYNCPG = Strategy(
    name="asyncpg",
    library="asyncpg",
    driver="asyncpg",
    write_plan="statements",
    open=partial(open_persistence, AsyncpgUnitOfWork),
)
ASYNCPG_SINGLE = Strategy(
    name="asyncpg-single",
    library="asyncpg",
    driver="asyncpg",
    write_plan="single",
    open=partial(open_persistence, AsyncpgSingleUnitOfWork),
)
ASYNCPG_GROUP = Strategy(
    name="asyncpg-group",
    library="asyncpg",
    driver="asyncpg",
    write_plan="group",
    open=open_group,
)
