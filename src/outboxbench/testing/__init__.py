"""What tests of others' code use: the definition of a strategy, and the price of a transaction.

The first needs pytest and pytest-asyncio, `outboxbench.testing.contract` shows how it is used; the
second is the fixture `persistence_benchmark`, which `outboxbench.testing.benchmark_plugin` brings.
"""

from __future__ import annotations

import pkgutil
from importlib import import_module
from typing import TYPE_CHECKING, Any

import pytest

# Before the import, so that a failed assertion says what was compared.
pytest.register_assert_rewrite(
    *(f"{__name__}.{module.name}" for module in pkgutil.iter_modules(__path__))
)

if TYPE_CHECKING:
    from outboxbench.testing.arena import Arena
    from outboxbench.testing.contract import (
        PostgresContract,
        PostgresRelayContract,
        RelayContract,
        UnitOfWorkContract,
    )
    from outboxbench.testing.memory_arena import MemoryArena
    from outboxbench.testing.persistence_benchmark import PersistenceBenchmark
    from outboxbench.testing.postgres_arena import PostgresArena
    from outboxbench.testing.transaction import Transaction

__all__ = [
    "Arena",
    "MemoryArena",
    "PersistenceBenchmark",
    "PostgresArena",
    "PostgresContract",
    "PostgresRelayContract",
    "RelayContract",
    "Transaction",
    "UnitOfWorkContract",
]

# Imported once they are asked for: pytest loads the plugin that is in this package into every
# session of every project, and nobody is to wait there for drivers that nobody uses.
_HOMES = {
    "Arena": "arena",
    "MemoryArena": "memory_arena",
    "PersistenceBenchmark": "persistence_benchmark",
    "PostgresArena": "postgres_arena",
    "PostgresContract": "contract",
    "PostgresRelayContract": "contract",
    "RelayContract": "contract",
    "Transaction": "transaction",
    "UnitOfWorkContract": "contract",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
