"""What the service says when it cannot do what it is asked: soon, and the truth."""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest
from psycopg import sql
from tests.slow import one_is_quick
from tests.waiting import until, until_answered

from outboxbench.harness.postgres.server import connect

if TYPE_CHECKING:
    from collections.abc import Iterator

    import httpx
    import psycopg
    from tests.web.conftest import Service

    from outboxbench.core.strategies.settings import DatabaseAddress
    from outboxbench.harness.postgres.server import Server


@contextmanager
def locked(database: DatabaseAddress, account_id: str) -> Iterator[psycopg.Connection[Any]]:
    """Hold the row of an account until the end, or until the connection is rolled back."""
    with connect(database) as connection, connection.transaction():
        connection.execute("SELECT FROM accounts WHERE id = %s FOR UPDATE", (account_id,))
        yield connection


@contextmanager
def unreachable(server: Server, database: DatabaseAddress) -> Iterator[None]:
    """Let nobody connect to a database, and end all who are connected."""
    name = sql.Identifier(database.database)
    with connect(server.address) as connection:
        connection.execute(sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS false").format(name))
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s",
            (database.database,),
        )
        try:
            yield
        finally:
            connection.execute(sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS true").format(name))


async def deposit(service: Service, account_id: str, key: str | None = None) -> httpx.Response:
    headers = {} if key is None else {"Idempotency-Key": key}
    path = f"/accounts/{account_id}/deposits"
    return await service.client.post(path, json={"amount_cents": 5}, headers=headers)


async def test_who_waits_too_long_for_a_lock_is_told_that_nothing_was_done(
    started: Any, database: DatabaseAddress
) -> None:
    async with started(deadline_s=0.3) as service:
        account_id = await service.open_account()
        with locked(database, account_id):
            answer = await deposit(service, account_id)

        assert answer.status_code == 503
        assert answer.json()["type"].endswith(":unavailable")
        assert int(answer.headers["Retry-After"]) >= 1
        assert await service.balance_cents(account_id) == 0
        assert (await deposit(service, account_id)).status_code == 200
        assert await service.balance_cents(account_id) == 5


async def test_who_cannot_know_is_told_so_and_is_served_once_under_the_same_key(
    started: Any, database: DatabaseAddress
) -> None:
    # What writes in one statement has sent its commit while it waits for the lock.
    async with started(strategy="asyncpg-single", deadline_s=0.3) as service:
        account_id, key = await service.open_account(), str(uuid4())
        with locked(database, account_id):
            answer = await deposit(service, account_id, key)

        assert answer.status_code == 503
        assert answer.json()["type"].endswith(":in-doubt")
        assert key in answer.json()["detail"]
        again = await deposit(service, account_id, key)
        assert again.status_code == 200
        assert await service.balance_cents(account_id) == 5


async def test_who_comes_beyond_what_is_done_at_a_time_is_told_so_at_once(
    started: Any, database: DatabaseAddress
) -> None:
    async with started(pool_size=2, most_in_flight=3) as service:
        account_id = await service.open_account()
        with locked(database, account_id):
            waiting = [asyncio.create_task(deposit(service, account_id)) for _ in range(3)]

            async def all_are_under_way() -> bool:
                text = (await service.client.get("/metrics")).text
                return "outboxbench_operations_in_flight 3.0" in text

            await until_answered(all_are_under_way)
            for refused in (
                await deposit(service, account_id),
                await service.client.get(f"/accounts/{account_id}"),
            ):
                assert refused.status_code == 503
                assert refused.json()["type"].endswith(":overloaded")
                assert int(refused.headers["Retry-After"]) >= 1
            text = (await service.client.get("/metrics")).text
            assert "outboxbench_shed_requests_total 2.0" in text
            assert "outboxbench_pool_connections_in_use 2.0" in text
            assert (await service.client.get("/health/live")).status_code == 200

        assert [(await each).status_code for each in waiting] == [200] * 3
        assert await service.balance_cents(account_id) == 15


async def test_abandoned_operations_count_as_under_way_until_they_are_gone(
    started: Any, database: DatabaseAddress
) -> None:
    async with started(pool_size=2, most_in_flight=2, deadline_s=0.2) as service:
        account_id = await service.open_account()
        with locked(database, account_id):
            answers = await asyncio.gather(*(deposit(service, account_id) for _ in range(6)))
        kinds = [each.json()["type"].rpartition(":")[2] for each in answers]
        assert sorted(kinds) == ["overloaded"] * 4 + ["unavailable"] * 2

        async def is_served_again() -> bool:
            return (await deposit(service, account_id)).status_code == 200

        await until_answered(is_served_again)


@pytest.mark.parametrize("strategy", one_is_quick(["asyncpg", "psycopg", "core-asyncpg"]))
async def test_a_database_that_is_gone_is_told_and_found_again(
    strategy: str, started: Any, database: DatabaseAddress, postgres_server: Server
) -> None:
    async with started(strategy=strategy, deadline_s=2.0) as service:
        account_id = await service.open_account()
        with unreachable(postgres_server, database):
            for answer in (
                await deposit(service, account_id),
                await service.client.get(f"/accounts/{account_id}"),
                await service.client.get("/health/ready"),
            ):
                assert answer.status_code == 503, answer.text
                assert answer.json()["type"].rpartition(":")[2] in ("unavailable", "in-doubt")
                assert int(answer.headers["Retry-After"]) >= 1
            assert (await service.client.get("/health/live")).status_code == 200
            metrics = (await service.client.get("/metrics")).text
            assert "outboxbench_outbox_undelivered_messages NaN" in metrics

        async def is_ready() -> bool:
            return bool((await service.client.get("/health/ready")).status_code == 200)

        await until_answered(is_ready)

        async def is_done() -> bool:
            return (await deposit(service, account_id)).status_code == 200

        await until_answered(is_done)
        assert service.said == []


async def test_a_service_that_stops_answers_what_is_under_way_first(
    started: Any, database: DatabaseAddress, outsider: psycopg.Connection[Any]
) -> None:
    answered: asyncio.Task[httpx.Response]
    async with started() as service:
        account_id = await service.open_account()
        held = connect(database)
        held.autocommit = False
        held.execute("SELECT FROM accounts WHERE id = %s FOR UPDATE", (account_id,))
        answered = asyncio.create_task(deposit(service, account_id))

        def waits() -> bool:
            query = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
            row = outsider.execute(query + " AND datname = current_database()").fetchone()
            return row == (1,)

        await until(waits)
        service.server.stop()
        await asyncio.sleep(0.2)
        assert not answered.done()
        held.rollback()
        held.close()
        assert (await answered).status_code == 200
    balance = outsider.execute("SELECT balance_cents FROM accounts").fetchall()
    assert balance == [(5,)]
