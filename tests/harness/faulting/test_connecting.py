"""A strategy is opened as soon as its server lets it in, whatever came out of it before."""

from __future__ import annotations

import asyncio
import os
import signal
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from outboxbench.core.strategies.registry import Strategy, load_strategy
from outboxbench.core.strategies.settings import StrategySettings
from outboxbench.harness.faulting.connecting import open_persistently
from outboxbench.harness.postgres.binaries import embedded_binaries
from outboxbench.harness.postgres.cluster import Cluster
from outboxbench.harness.wire.proxy_process import FaultProxy

if TYPE_CHECKING:
    from collections.abc import Iterator

    from outboxbench.core.application.ports import Persistence
    from outboxbench.harness.janitor import Janitor
    from outboxbench.harness.postgres.server import Server

STRATEGIES = ("asyncpg", "psycopg", "core-asyncpg", "core-psycopg")
PATIENCE_S = 60.0


@pytest.fixture
def cluster(janitor: Janitor) -> Iterator[Cluster]:
    """A server that lets nobody in while it follows another, as one does that is starting up."""
    with Cluster(embedded_binaries(), janitor, {"hot_standby": "off"}) as cluster:
        yield cluster


def start_as_follower(cluster: Cluster) -> None:
    cluster.shut_down()
    status = (cluster.data_directory / "PG_VERSION").stat()
    follows = cluster.data_directory / "standby.signal"
    follows.touch(mode=0o600)
    os.chown(follows, status.st_uid, status.st_gid)
    cluster.start_again()


def promote(cluster: Cluster) -> None:
    status = (cluster.data_directory / "PG_VERSION").stat()
    request = cluster.data_directory / "promote"
    request.touch(mode=0o600)
    os.chown(request, status.st_uid, status.st_gid)
    os.kill(cluster.postmaster_pid, signal.SIGUSR1)


class Attempts:
    """A strategy that counts how often it is opened."""

    def __init__(self, name: str) -> None:
        self._strategy = load_strategy(name)
        self.begun = 0

    @property
    def strategy(self) -> Strategy:
        return replace(self._strategy, open=self._open)

    async def _open(self, settings: StrategySettings) -> Persistence:
        self.begun += 1
        return await self._strategy.open(settings)

    async def some_more(self, opening: asyncio.Task[Persistence]) -> None:
        """Return once an attempt was begun and ended since; fail if it was the last."""
        enough = self.begun + 2
        async with asyncio.timeout(PATIENCE_S):
            while self.begun < enough:
                assert not opening.done(), opening.exception()
                await asyncio.sleep(0.01)


@pytest.mark.parametrize("name", STRATEGIES)
async def test_a_server_that_resets_refuses_and_starts_up_is_waited_for(
    name: str, cluster: Cluster, janitor: Janitor
) -> None:
    attempts = Attempts(name)
    with FaultProxy(cluster.address, janitor) as link:
        for address in (cluster.address, link.address(cluster.address.database)):
            settings = StrategySettings(address, pool_size=2, connect_timeout_s=0.5)
            # Nobody listens, and behind the link that is a connection which is cut at once.
            cluster.shut_down()
            opening = asyncio.create_task(open_persistently(attempts.strategy, settings))
            await attempts.some_more(opening)
            cluster.start_again()
            await (await asyncio.wait_for(opening, PATIENCE_S)).close()

    start_as_follower(cluster)
    settings = StrategySettings(cluster.address, pool_size=2, connect_timeout_s=0.5)
    opening = asyncio.create_task(open_persistently(attempts.strategy, settings))
    await attempts.some_more(opening)
    assert "FATAL" in cluster.log_text()
    promote(cluster)
    await (await asyncio.wait_for(opening, PATIENCE_S)).close()


@pytest.mark.parametrize(
    ("password", "database"), [("another", None), (None, "nowhere")], ids=["password", "database"]
)
@pytest.mark.parametrize("name", ["asyncpg", "core-asyncpg"])
async def test_what_no_server_that_comes_back_would_change_is_an_error_at_once(
    name: str, password: str | None, database: str | None, postgres_server: Server
) -> None:
    known = postgres_server.address
    address = replace(
        known, password=password or known.password, database=database or known.database
    )
    settings = StrategySettings(address, pool_size=2)
    with pytest.raises(Exception, match=r"password authentication failed|does not exist"):
        await asyncio.wait_for(open_persistently(load_strategy(name), settings), timeout=PATIENCE_S)
