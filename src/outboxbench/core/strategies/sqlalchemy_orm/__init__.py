"""The strategies `orm-asyncpg` and `orm-psycopg`: SQLAlchemy's ORM as its users write it."""

from functools import partial

from outboxbench.core.strategies.registry import Strategy
from outboxbench.core.strategies.sqlalchemy_orm.persistence import open_persistence

ORM_ASYNCPG = Strategy(
    name="orm-asyncpg",
    library="sqlalchemy-orm",
    driver="asyncpg",
    write_plan="statements",
    open=partial(open_persistence, "asyncpg"),
)
ORM_PSYCOPG = Strategy(
    name="orm-psycopg",
    library="sqlalchemy-orm",
    driver="psycopg",
    write_plan="statements",
    open=partial(open_persistence, "psycopg"),
)
