"""The strategy `psycopg`: psycopg 3, asynchronous, statement by statement."""

from outboxbench.core.strategies.psycopg.persistence import open_persistence
from outboxbench.core.strategies.registry import Strategy

PSYCOPG = Strategy(
    name="psycopg",
    library="psycopg",
    driver="psycopg",
    write_plan="statements",
    open=open_persistence,
)
