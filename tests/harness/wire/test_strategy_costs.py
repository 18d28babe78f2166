"""What a command takes with each of our strategies, once every statement is prepared."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from outboxbench.core.application.bootstrap import bootstrap
from outboxbench.core.application.outcome import Outcome
from outboxbench.core.application.retry import RetryPolicy, run_operation
from outboxbench.core.strategies.registry import load_strategy
from outboxbench.core.strategies.settings import StrategySettings
from outboxbench.harness.load.command_mix import CommandMix
from outboxbench.harness.load.dataset import Dataset
from outboxbench.harness.load.warm_up import warm_up
from outboxbench.harness.suite.model import DatasetSize
from outboxbench.harness.suite.template import prepare_template

if TYPE_CHECKING:
    from outboxbench.core.application.message_bus import MessageBus
    from outboxbench.core.application.ports import Persistence
    from outboxbench.core.strategies.settings import DatabaseAddress, Profile
    from outboxbench.harness.load.command_mix import Request
    from outboxbench.harness.wire.counts import WireCost
    from outboxbench.harness.wire.proxy_process import WireProxy

OPERATIONS = 10
DATASET = Dataset(accounts=12, orders=5)
ONCE = RetryPolicy(1)

MATCHED = {
    "asyncpg": {"charge": 5, "place": 5, "amend": 7},
    "psycopg": {"charge": 5, "place": 5, "amend": 7},
    # BEGIN travels with the first read, the writes with COMMIT.
    "psycopg-pipeline": {"charge": 2, "place": 1, "amend": 2},
    # One statement to read, one to write.
    "asyncpg-single": {"charge": 2, "place": 1, "amend": 2},
    "psycopg-single": {"charge": 2, "place": 1, "amend": 2},
    "core-asyncpg-single": {"charge": 2, "place": 1, "amend": 2},
    # Alone, a unit of work is a batch of one.
    "asyncpg-group": {"charge": 2, "place": 1, "amend": 2},
    "psycopg-group": {"charge": 2, "place": 1, "amend": 2},
    "core-asyncpg": {"charge": 5, "place": 5, "amend": 7},
    "core-psycopg": {"charge": 5, "place": 5, "amend": 7},
    "orm-asyncpg": {"charge": 5, "place": 5, "amend": 7},
    "orm-psycopg": {"charge": 5, "place": 5, "amend": 7},
}
IDIOMATIC = MATCHED | {
    # The pool resets a connection that is given back.
    "asyncpg": {"charge": 6, "place": 6, "amend": 8},
    "asyncpg-single": {"charge": 3, "place": 2, "amend": 3},
}
# Gives its connection back behind the last answer, so the reset falls into either operation.
del IDIOMATIC["asyncpg-group"]
CASES = [
    pytest.param(profile, strategy, command, expected, id=f"{profile}-{strategy}-{command}")
    for profile, table in (("matched", MATCHED), ("idiomatic", IDIOMATIC))
    for strategy, commands in table.items()
    for command, expected in commands.items()
]


@pytest.fixture
def seeded(database: DatabaseAddress, proxied: DatabaseAddress) -> DatabaseAddress:
    prepare_template(database, DatasetSize(accounts=DATASET.accounts, orders=DATASET.orders))
    return proxied


async def run(bus: MessageBus, request: Request) -> None:
    result = await run_operation(bus, request.command, request.op_id, ONCE)
    assert result.outcome is Outcome.OK


async def cost_of(mix: CommandMix, persistence: Persistence, proxy: WireProxy) -> WireCost:
    async def run_each_command(bus: MessageBus, _: int) -> None:
        for request in mix.one_of_each():
            await run(bus, request)

    await warm_up(persistence, 1, run_each_command)
    bus = bootstrap(persistence)
    before = proxy.counts()
    for _ in range(OPERATIONS):
        await run(bus, mix.next())
    return (proxy.counts() - before).per_operation(OPERATIONS)


@pytest.mark.parametrize(("profile", "strategy", "command", "expected"), CASES)
async def test_a_command_takes_its_round_trips(
    profile: Profile,
    strategy: str,
    command: str,
    expected: int,
    seeded: DatabaseAddress,
    proxy: WireProxy,
) -> None:
    # One connection: a conflict in the warm-up would make psycopg forget what it has prepared.
    settings = StrategySettings(seeded, profile=profile, pool_size=1)
    persistence = await load_strategy(strategy).open(settings)
    try:
        cost = await cost_of(CommandMix(command, DATASET, "seed"), persistence, proxy)
    finally:
        await persistence.close()

    assert cost.round_trips == expected
    assert cost.direction_changes == expected
    # The one statement of these plans is a transaction without a COMMIT of its own.
    assert cost.commits == (load_strategy(strategy).write_plan not in ("single", "group"))
    assert cost.rollbacks == 0
    assert "Parse" not in cost.frontend_messages
