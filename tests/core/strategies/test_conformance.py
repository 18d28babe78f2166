"""Every registered strategy is put through the contract."""

import pytest

from outboxbench.core.strategies.registry import strategy_names
from outboxbench.testing import MemoryArena, PostgresContract, UnitOfWorkContract

pytest_plugins = ["outboxbench.testing.fixtures"]


class TestMemory(UnitOfWorkContract):
    strategy_name = "memory"

    @pytest.fixture
    def arena(self) -> MemoryArena:
        return MemoryArena()


class TestAsyncpg(PostgresContract):
    strategy_name = "asyncpg"


class TestPsycopg(PostgresContract):
    strategy_name = "psycopg"


class TestCoreAsyncpg(PostgresContract):
    strategy_name = "core-asyncpg"


class TestCorePsycopg(PostgresContract):
    strategy_name = "core-psycopg"


class TestOrmAsyncpg(PostgresContract):
    strategy_name = "orm-asyncpg"


class TestOrmPsycopg(PostgresContract):
    strategy_name = "orm-psycopg"


def test_no_registered_strategy_is_left_out() -> None:
    tested = {
        contract.strategy_name
        for contract in (
            TestMemory,
            TestAsyncpg,
            TestPsycopg,
            TestCoreAsyncpg,
            TestCorePsycopg,
            TestOrmAsyncpg,
            TestOrmPsycopg,
        )
    }
    assert tested == set(strategy_names())
