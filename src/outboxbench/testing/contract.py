"""The contract of a strategy: classes of tests to inherit from.

A test module that puts the registered strategy `mine` through it:

    from outboxbench.testing import PostgresContract

    pytest_plugins = ["outboxbench.testing.fixtures"]

    class TestMine(PostgresContract):
        strategy_name = "mine"
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, get_args

import pytest
import pytest_asyncio

from outboxbench.core.application.outbox import RelayPlan
from outboxbench.core.strategies.registry import Strategy, load_strategy
from outboxbench.testing.atomicity import Atomicity
from outboxbench.testing.connections import Connections
from outboxbench.testing.delivered_rules import DeliveredRules
from outboxbench.testing.failures import Failures
from outboxbench.testing.hosts import Hosts
from outboxbench.testing.inbox_rules import InboxRules
from outboxbench.testing.outbox_rules import OutboxRules
from outboxbench.testing.postgres_arena import PostgresArena
from outboxbench.testing.reads import Reads
from outboxbench.testing.recovery import Recovery
from outboxbench.testing.refusal_rules import RefusalRules
from outboxbench.testing.relay_rules import RelayRules
from outboxbench.testing.ring_rules import RingRules
from outboxbench.testing.round_trips import RoundTrips
from outboxbench.testing.versions import Versions

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from outboxbench.core.strategies.settings import DatabaseAddress, Profile


@pytest.mark.asyncio
class UnitOfWorkContract(RoundTrips, OutboxRules, InboxRules, Versions):
    """What every strategy does, wherever it stores. A subclass brings a fixture `arena`."""


@pytest.mark.asyncio
class RelayContract(RelayRules, RefusalRules, DeliveredRules, RingRules):
    """What every strategy does for a relay. A subclass brings a fixture `arena`."""

    @pytest.fixture(params=get_args(RelayPlan))
    def plan(self, request: pytest.FixtureRequest) -> RelayPlan:
        """How relays share the outbox."""
        plan: RelayPlan = request.param
        return plan


class PostgresContract(
    UnitOfWorkContract, Atomicity, Reads, Failures, Connections, Recovery, Hosts
):
    """What a strategy on PostgreSQL does, in both profiles.

    A subclass names a registered strategy, or brings a fixture `strategy`.
    """

    strategy_name: ClassVar[str]

    @pytest.fixture
    def strategy(self) -> Strategy:
        """The strategy that is put to the test."""
        return load_strategy(self.strategy_name)

    @pytest.fixture(params=["idiomatic", "matched"])
    def profile(self, request: pytest.FixtureRequest) -> Profile:
        """The profile that the strategy is opened with."""
        profile: Profile = request.param
        return profile

    @pytest_asyncio.fixture
    async def arena(
        self, strategy: Strategy, profile: Profile, contract_database: DatabaseAddress
    ) -> AsyncIterator[PostgresArena]:
        """The strategy over empty tables."""
        async with PostgresArena(strategy, profile, contract_database) as arena:
            yield arena


class PostgresRelayContract(RelayContract):
    """What a strategy on PostgreSQL does for a relay.

    A subclass names a registered strategy, or brings a fixture `strategy`.
    """

    strategy_name: ClassVar[str]

    @pytest.fixture
    def strategy(self) -> Strategy:
        """The strategy that is put to the test."""
        return load_strategy(self.strategy_name)

    @pytest_asyncio.fixture
    async def arena(
        self, strategy: Strategy, contract_database: DatabaseAddress
    ) -> AsyncIterator[PostgresArena]:
        """The strategy over empty tables."""
        async with PostgresArena(strategy, "matched", contract_database) as arena:
            yield arena
