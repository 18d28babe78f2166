"""Every registered strategy is put through the contract."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.slow import one_is_quick

from outboxbench.core.strategies.group import writes
from outboxbench.core.strategies.registry import Strategy, load_strategy, strategy_names
from outboxbench.testing import (
    MemoryArena,
    PostgresContract,
    PostgresRelayContract,
    RelayContract,
    UnitOfWorkContract,
)
from outboxbench.testing.connections import FAILING_UNITS

if TYPE_CHECKING:
    from outboxbench.core.strategies.settings import Profile
    from outboxbench.testing import PostgresArena

pytest_plugins = ["outboxbench.testing.fixtures"]

IN_MEMORY = "memory"
ONE_OF_EACH_LIBRARY = ("asyncpg", "psycopg", "core-asyncpg", "orm-psycopg")
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

    # A strategy from elsewhere is put through both every day.
    @pytest.fixture(params=one_is_quick(["matched", "idiomatic"]))
    def profile(self, request: pytest.FixtureRequest) -> Profile:
        profile: Profile = request.param
        return profile

    @pytest.fixture(params=one_is_quick([200, FAILING_UNITS]))
    def failing_units(self, request: pytest.FixtureRequest) -> int:
        number: int = request.param
        return number


class TestRelaysInMemory(RelayContract):
    @pytest.fixture
    def arena(self) -> MemoryArena:
        return MemoryArena()


class TestRelaysOnPostgres(PostgresRelayContract):
    # How an outbox is claimed from is a library's; every write plan goes through it with the rest.
    @pytest.fixture(
        params=[
            name if name in ONE_OF_EACH_LIBRARY else pytest.param(name, marks=pytest.mark.slow)
            for name in ON_POSTGRES
        ]
    )
    def strategy(self, request: pytest.FixtureRequest) -> Strategy:
        name: str = request.param
        return load_strategy(name)


class TestOverArrays(PostgresContract):
    """The plan `group` where even a change that is alone travels in a statement over arrays."""

    @pytest.fixture(params=["asyncpg-group", "psycopg-group"])
    def strategy(self, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Strategy:
        monkeypatch.setattr(writes, "FEWEST_TOGETHER", 1)
        name: str = request.param
        return load_strategy(name)

    @pytest.fixture
    def profile(self) -> Profile:
        return "matched"

    # An error that such a statement meets is nobody's yet: its changes go on one by one. What the
    # contract wants to be told is overcome.
    async def test_a_serialisation_failure_is_told_as_such(self, arena: PostgresArena) -> None:
        with pytest.raises(pytest.fail.Exception, match="DID NOT RAISE"):
            await super().test_a_serialisation_failure_is_told_as_such(arena)

    # Whether it meets the deadlock again by itself is a matter of chance.
    test_a_deadlock_is_told_as_such = None  # type: ignore[assignment]


def test_only_the_reference_needs_no_server() -> None:
    assert [name for name in strategy_names() if not load_strategy(name).needs_server] == [
        IN_MEMORY
    ]
