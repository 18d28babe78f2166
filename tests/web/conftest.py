"""The service on a real socket over a real database, in the loop of the test."""

from __future__ import annotations

import asyncio
import socket
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import httpx
import pytest

from outboxbench.core.strategies.registry import load_strategy
from outboxbench.core.strategies.settings import StrategySettings
from outboxbench.harness.postgres.server import connect
from outboxbench.harness.relay_database import prepare_database
from outboxbench.web.assembly import open_app
from outboxbench.web.operations import Limits
from outboxbench.web.server import HttpServer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator
    from contextlib import AbstractAsyncContextManager
    from typing import Any

    import psycopg

    from outboxbench.core.strategies.settings import DatabaseAddress

PATIENT_S = 30.0


@dataclass
class Service:
    """A service that runs, and a client of it."""

    host: str
    port: int
    client: httpx.AsyncClient
    server: HttpServer
    said: list[str]

    async def open_account(self, balance_cents: int = 0) -> str:
        """Open an account with so much in it."""
        opened = await self.client.post("/accounts")
        account_id: str = opened.json()["account_id"]
        if balance_cents:
            path = f"/accounts/{account_id}/deposits"
            await self.client.post(path, json={"amount_cents": balance_cents})
        return account_id

    async def balance_cents(self, account_id: str) -> int:
        answer = await self.client.get(f"/accounts/{account_id}")
        balance: int = answer.json()["balance_cents"]
        return balance


@pytest.fixture
def started(
    database: DatabaseAddress,
) -> Callable[..., AbstractAsyncContextManager[Service]]:
    """Starts a service on the database of the test, as it is asked to be."""
    server_major = prepare_database(database, "lease", announces=False)

    @asynccontextmanager
    async def start(
        *,
        strategy: str = "asyncpg",
        pool_size: int = 4,
        most_in_flight: int = 16,
        deadline_s: float = PATIENT_S,
        token: str | None = None,
    ) -> AsyncIterator[Service]:
        said: list[str] = []
        async with AsyncExitStack() as stack:
            persistence = await load_strategy(strategy).open(
                StrategySettings(database, pool_size=pool_size, server_major=server_major)
            )
            stack.push_async_callback(persistence.close)
            app = await stack.enter_async_context(
                open_app(
                    persistence,
                    persistence,
                    Limits(most_in_flight, deadline_s),
                    pool_size=pool_size,
                    relay_plan="lease",
                    token=token,
                    observe=said.append,
                )
            )
            listener = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
            host, port = listener.getsockname()
            server = HttpServer(app, listener)
            running = asyncio.create_task(server.run())
            client = await stack.enter_async_context(
                httpx.AsyncClient(base_url=f"http://{host}:{port}", timeout=PATIENT_S)
            )
            try:
                yield Service(host, port, client, server, said)
            finally:
                await client.aclose()
                server.stop()
                await running

    return start


@pytest.fixture
async def service(
    started: Callable[..., AbstractAsyncContextManager[Service]],
) -> AsyncIterator[Service]:
    """A service over asyncpg with room for all that a test asks."""
    async with started() as service:
        yield service


@pytest.fixture
def outsider(database: DatabaseAddress) -> Iterator[psycopg.Connection[Any]]:
    """A connection past the service, which commits each statement."""
    with connect(database) as connection:
        yield connection
