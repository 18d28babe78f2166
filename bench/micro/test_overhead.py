"""What the harness and the core cost: the asyncpg arm against a bare loop over asyncpg.

Both issue the same statements through the same kind of pool. They take turns in one process, so
that what slows the machine slows both, and only the median of their ratios is told: a disk that
stalls in one turn says nothing of either.
"""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from functools import partial
from random import Random
from statistics import median, quantiles
from time import monotonic_ns
from typing import TYPE_CHECKING
from uuid import UUID

import asyncpg
import pytest

from outboxbench.core.application.bootstrap import bootstrap
from outboxbench.core.application.retry import RetryPolicy
from outboxbench.core.strategies import statements as sql
from outboxbench.core.strategies.asyncpg import ASYNCPG
from outboxbench.core.strategies.settings import DatabaseAddress, StrategySettings
from outboxbench.harness.load.client import run_closed_loop
from outboxbench.harness.load.command_mix import CommandMix
from outboxbench.harness.load.dataset import Dataset, account_id
from outboxbench.harness.load.job import Window
from outboxbench.harness.load.recorder import Recorder
from outboxbench.harness.suite.model import DatasetSize

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

ACCOUNTS = DatasetSize().accounts
TURNS = 60
TURN_NS = 300_000_000
LEAST_RATIO = 0.90
MOST_HARNESS_SHARE = 0.01


@pytest.mark.parametrize("connections", [1, 16])
def test_the_asyncpg_arm_keeps_nine_tenths_of_a_bare_loop(
    seeded_database: DatabaseAddress, connections: int
) -> None:
    ratios, idle_shares = asyncio.run(_take_turns(seeded_database, connections))
    ratio, idle_share = median(ratios), median(idle_shares)
    low, _, high = quantiles(ratios, n=4)
    print(
        f"\n{connections} connections: arm / bare loop = {ratio:.3f} "
        f"(half of {len(ratios)} turns from {low:.3f} to {high:.3f}), "
        f"harness's share of the clients' time {idle_share:.2%}"
    )
    assert ratio >= LEAST_RATIO
    assert idle_share < MOST_HARNESS_SHARE


async def _take_turns(
    address: DatabaseAddress, connections: int
) -> tuple[list[float], list[float]]:
    settings = StrategySettings(address=address, pool_size=connections)
    pool = await _bare_pool(settings)
    persistence = await ASYNCPG.open(settings)
    try:
        bus = bootstrap(persistence)
        recorder = Recorder(Window.of(0, 0, 2**62))
        mixes = [
            CommandMix("charge", Dataset(ACCOUNTS, 1), f"arm {number}")
            for number in range(connections)
        ]
        bare_ok: Counter[str] = Counter()
        bare = [
            partial(_bare_client, pool, Random(number), bare_ok) for number in range(connections)
        ]
        done, bare_done = recorder.window_outcomes.total, bare_ok.total

        arm = [partial(run_closed_loop, bus, mix, RetryPolicy(), recorder) for mix in mixes]
        ratios, idle_shares = [], []
        for turn in range(TURNS + 1):
            # Each goes first in half of the turns: a machine that drifts favours neither.
            if turn % 2:
                by_arm, by_bare = await _ok_per_s(arm, done), await _ok_per_s(bare, bare_done)
            else:
                by_bare, by_arm = await _ok_per_s(bare, bare_done), await _ok_per_s(arm, done)
            ratios.append(by_arm / by_bare)
            idle_shares.append(recorder.idle_ns / recorder.running_ns)
            recorder.idle_ns = recorder.running_ns = 0
        # The first turn only warms the connections.
        return ratios[1:], idle_shares[1:]
    finally:
        await persistence.close()
        await pool.close()


async def _ok_per_s(
    clients: Sequence[Callable[[int], Awaitable[None]]], done: Callable[[], int]
) -> float:
    began_ns, before = monotonic_ns(), done()
    await asyncio.gather(*(client(began_ns + TURN_NS) for client in clients))
    return (done() - before) / (monotonic_ns() - began_ns)


async def _bare_pool(settings: StrategySettings) -> asyncpg.Pool:
    address = settings.address

    async def encode_json(connection: asyncpg.Connection) -> None:
        await connection.set_type_codec(
            "jsonb", schema="pg_catalog", encoder=json.dumps, decoder=json.loads
        )

    async def no_reset(connection: asyncpg.Connection) -> None:
        pass

    return await asyncpg.create_pool(
        host=address.host,
        port=address.port,
        user=address.user,
        password=address.password,
        database=address.database,
        min_size=settings.pool_size,
        max_size=settings.pool_size,
        server_settings=settings.session_parameters,
        init=encode_json,
        reset=no_reset,
    )


async def _bare_client(
    pool: asyncpg.Pool, random: Random, ok: Counter[str], closes_ns: int
) -> None:
    """Charge accounts as a script would that knows nothing of domains and outcomes."""
    while monotonic_ns() < closes_ns:
        account = account_id(random.randint(1, ACCOUNTS))
        async with pool.acquire() as connection, connection.transaction():
            row = await connection.fetchrow(sql.SELECT_ACCOUNT, account)
            assert row is not None
            version, balance_cents = row["version"], row["balance_cents"] - 5
            status = await connection.execute(
                sql.UPDATE_ACCOUNT, account, version, version + 1, balance_cents
            )
            if status != "UPDATE 1":
                continue
            await connection.execute(
                sql.INSERT_MESSAGE,
                UUID(int=random.getrandbits(128)),
                0,
                "account",
                account,
                version + 1,
                "account.charged",
                1,
                {
                    "order_id": str(UUID(int=random.getrandbits(128))),
                    "amount_cents": 5,
                    "balance_cents": balance_cents,
                },
            )
        ok["ok"] += 1
