"""What it costs the client to claim messages and to settle what became of them, by relay plan."""

from __future__ import annotations

import asyncio
from time import process_time
from typing import TYPE_CHECKING, get_args
from uuid import uuid4

import pytest
from bench.micro.in_one_loop import measure_prepared

from outboxbench.core.application.bootstrap import bootstrap
from outboxbench.core.application.outbox import RelayPlan, Settlement
from outboxbench.core.application.outcome import Attempt
from outboxbench.core.domain.payments import ChargeAccount
from outboxbench.core.strategies.asyncpg import ASYNCPG
from outboxbench.core.strategies.relay_plans.schema import relay_schema_sql
from outboxbench.core.strategies.settings import StrategySettings
from outboxbench.harness.load.dataset import account_id
from outboxbench.harness.postgres.server import connect

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_benchmark.fixture import BenchmarkFixture

    from outboxbench.core.application.outbox import Run
    from outboxbench.core.strategies.settings import DatabaseAddress

pytestmark = [
    pytest.mark.benchmark(group="relay", timer=process_time),
    pytest.mark.in_baseline,
]

MESSAGES = 20
ROUNDS = 60
LEASE_S = 60.0


@pytest.mark.parametrize("what", ["claim", "settle"])
@pytest.mark.parametrize("plan", get_args(RelayPlan))
def test_relay(
    plan: RelayPlan, what: str, benchmark: BenchmarkFixture, small_database: DatabaseAddress
) -> None:
    async def work() -> None:
        with connect(small_database) as connection:
            connection.execute(relay_schema_sql(plan, announces=False).encode())
        settings = StrategySettings(small_database, pool_size=2, server_major=18)
        persistence = await ASYNCPG.open(settings)
        bus = bootstrap(persistence)
        outbox = persistence.outbox(plan, LEASE_S)
        claimed: list[Sequence[Run]] = []

        async def settle(runs: Sequence[Run]) -> None:
            settlements = [Settlement(run, len(run.messages)) for run in runs]
            assert not (await outbox.settle(settlements)).lost

        async def claim(_: object) -> None:
            runs = await outbox.claim(MESSAGES)
            claimed.append(runs)

        async def commit_messages() -> None:
            if claimed:
                await settle(claimed.pop())
            for number in range(1, MESSAGES + 1):
                command = ChargeAccount(
                    account_id=account_id(number), order_id=uuid4(), amount_cents=5
                )
                await bus.handle(command, Attempt(uuid4()))

        async def commit_and_claim() -> Sequence[Run]:
            await commit_messages()
            return await outbox.claim(MESSAGES)

        try:
            if what == "claim":
                await measure_prepared(benchmark, commit_messages, claim, rounds=ROUNDS)
                runs = claimed[-1]
                assert sum(len(run.messages) for run in runs) == MESSAGES
            else:
                await measure_prepared(benchmark, commit_and_claim, settle, rounds=ROUNDS)
        finally:
            await outbox.close()
            await persistence.close()

    asyncio.run(work())
