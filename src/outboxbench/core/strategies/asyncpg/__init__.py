"""The strategy `asyncpg`: MagicStack's driver as it is, statement by statement."""

from outboxbench.core.strategies.asyncpg.persistence import open_persistence
from outboxbench.core.strategies.registry import Strategy

ASYNCPG = Strategy(
    name="asyncpg",
    library="asyncpg",
    driver="asyncpg",
    write_plan="statements",
    open=open_persistence,
)
