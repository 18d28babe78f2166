"""The definition of a strategy, as tests that anyone's strategy can be put through.

Needs pytest and pytest-asyncio. `outboxbench.testing.contract` shows how it is used.
"""

import pkgutil

import pytest

# Before the import, so that a failed assertion says what was compared.
pytest.register_assert_rewrite(
    *(f"{__name__}.{module.name}" for module in pkgutil.iter_modules(__path__))
)

from outboxbench.testing.arena import Arena  # noqa: E402
from outboxbench.testing.contract import (  # noqa: E402
    PostgresContract,
    PostgresRelayContract,
    RelayContract,
    UnitOfWorkContract,
)
from outboxbench.testing.memory_arena import MemoryArena  # noqa: E402
from outboxbench.testing.postgres_arena import PostgresArena  # noqa: E402

__all__ = [
    "Arena",
    "MemoryArena",
    "PostgresArena",
    "PostgresContract",
    "PostgresRelayContract",
    "RelayContract",
    "UnitOfWorkContract",
]
