"""The strategies `core-asyncpg` and `core-psycopg`: SQLAlchemy Core, statement by statement."""

from functools import partial

from outboxbench.core.strategies.registry import Strategy
from outboxbench.core.strategies.sqlalchemy_core.persistence import open_persistence

CORE_ASYNCPG = Strategy(
    name="core-asyncpg",
    library="sqlalchemy-core",
    driver="asyncpg",
    write_plan="statements",
    open=partial(open_persistence, "asyncpg"),
)
CORE_PSYCOPG = Strategy(
    name="core-psycopg",
    library="sqlalchemy-core",
    driver="psycopg",
    write_plan="statements",
    open=partial(open_persistence, "psycopg"),
)
