"""Every registered strategy is put through the contract."""

import pytest

from outboxbench.core.strategies.registry import Strategy, load_strategy, strategy_names
from outboxbench.testing import MemoryArena, PostgresContract, UnitOfWorkContract

pytest_plugins = ["outboxbench.testing.fixtures"]

IN_MEMORY = "memory"
ON_POSTGRES = [name for name in strategy_names() if name != IN_MEMORY]


class TestInMemory(UnitOfWorkContract):
    @pytest.fixture
    def arena(self) -> MemoryArena:
        return MemoryArena()


class TestOnPostgres(PostgresContract):
    @pytest.fixture(params=ON_POSTGRES)
    def strategy(self, request: pytest.FixtureRequest) -> Strategy:
        name: str = request.param
        return load_strategy(name)


def test_only_the_reference_needs_no_server() -> None:
    assert [name for name in strategy_names() if not load_strategy(name).needs_server] == [
        IN_MEMORY
    ]
