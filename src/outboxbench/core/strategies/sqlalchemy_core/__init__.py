"""SQLAlchemy Core over both drivers, under each write plan that it can carry."""

from functools import partial

from outboxbench.core.strategies.registry import Strategy
from outboxbench.core.strategies.sqlalchemy_core.persistence import open_persistence
from outboxbench.core.strategies.sqlalchemy_core.single import CoreSingleUnitOfWork
from outboxbench.core.strategies.sqlalchemy_core.unit_of_work import CoreUnitOfWork

CORE_ASYNCPG = Strategy(
    name="core-asyncpg",
    library="sqlalchemy-core",
    driver="asyncpg",
    write_plan="statements",
    open=partial(open_persistence, CoreUnitOfWork, "asyncpg"),
)
CORE_ASYNCPG_SINGLE = Strategy(
    name="core-asyncpg-single",
    library="sqlalchemy-core",
    driver="asyncpg",
    write_plan="single",
    open=partial(open_persistence, CoreSingleUnitOfWork, "asyncpg", autocommit=True),
)
CORE_PSYCOPG = Strategy(
    name="core-psycopg",
    library="sqlalchemy-core",
    driver="psycopg",
    write_plan="statements",
    open=partial(open_persistence, CoreUnitOfWork, "psycopg"),
)
