"""The strategy `memory`: the reference that the others are held against. Nothing survives it."""

from outboxbench.core.strategies.memory.persistence import open_persistence
from outboxbench.core.strategies.registry import Strategy

MEMORY = Strategy(
    name="memory",
    library="memory",
    driver="none",
    write_plan="statements",
    open=open_persistence,
    needs_server=False,
)
