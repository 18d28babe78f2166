"""What the service tells of itself: where the time went, and what it has counted."""

from __future__ import annotations

import asyncio
import re
import time
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from prometheus_client.parser import text_string_to_metric_families
from tests.waiting import until_answered

from outboxbench.harness.postgres.server import connect
from outboxbench.web.endpoints import server_timing

if TYPE_CHECKING:
    import httpx
    import psycopg
    from tests.web.conftest import Service

    from outboxbench.core.strategies.settings import DatabaseAddress


def times_ms(answer: httpx.Response) -> dict[str, float]:
    found = re.findall(r"(\w+);dur=([\d.]+)", answer.headers["Server-Timing"])
    return {name: float(value) for name, value in found}


async def samples(service: Service) -> dict[tuple[str, tuple[str, ...]], float]:
    text = (await service.client.get("/metrics")).text
    return {
        (sample.name, tuple(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_times_are_told_in_milliseconds() -> None:
    told = server_timing(1_500_000, 250_000, 1_000)
    assert told == "pool;dur=1.500, transaction;dur=0.250, service;dur=0.001"


async def test_the_times_of_a_request_are_no_more_than_its_client_saw(service: Service) -> None:
    account_id = await service.open_account()
    began_s = time.perf_counter()
    answer = await service.client.post(f"/accounts/{account_id}/deposits", json={"amount_cents": 5})
    took_ms = (time.perf_counter() - began_s) * 1000

    times = times_ms(answer)
    assert set(times) == {"pool", "transaction", "service"}
    assert all(each >= 0 for each in times.values())
    assert 0 < sum(times.values()) <= took_ms


async def test_what_waits_for_a_connection_is_told_apart(
    started: Any, database: DatabaseAddress
) -> None:
    async with started(pool_size=1) as service:
        account_id, other_id = [await service.open_account() for _ in range(2)]

        async def deposit(id: str) -> httpx.Response:
            path = f"/accounts/{id}/deposits"
            answer: httpx.Response = await service.client.post(path, json={"amount_cents": 5})
            return answer

        async def are_under_way(number: int) -> None:
            async def is_so() -> bool:
                found = await samples(service)
                return found["outboxbench_operations_in_flight", ()] == number

            await until_answered(is_so)

        with connect(database) as holder, holder.transaction():
            holder.execute("SELECT FROM accounts WHERE id = %s FOR UPDATE", (account_id,))
            first = asyncio.create_task(deposit(account_id))
            await are_under_way(1)
            second = asyncio.create_task(deposit(other_id))
            await are_under_way(2)
            await asyncio.sleep(0.2)

        # One has held the only connection all that time, the other has waited for it.
        assert times_ms(await first)["transaction"] >= 200
        assert times_ms(await first)["pool"] < 200
        assert times_ms(await second)["pool"] >= 200


async def test_operations_are_counted_by_what_became_of_them(
    service: Service, outsider: psycopg.Connection[Any]
) -> None:
    account_id = await service.open_account(100)
    path, key = f"/accounts/{account_id}/deposits", {"Idempotency-Key": str(uuid4())}
    for _ in range(3):
        await service.client.post(path, json={"amount_cents": 5}, headers=key)
    await service.client.post(f"/accounts/{uuid4()}/deposits", json={"amount_cents": 5})

    found = await samples(service)

    counts = {key[1]: value for key, value in found.items() if key[0].endswith("operations_total")}
    assert counts == {
        ("OpenAccount", "ok"): 1,
        ("Deposit", "ok"): 2,
        ("Deposit", "repeated"): 2,
        ("Deposit", "failed"): 1,
    }
    assert found["outboxbench_operation_seconds_count", ("Deposit",)] == 5
    assert found["outboxbench_pool_connections", ()] == 4
    waiting = outsider.execute(
        "SELECT count(*) FROM outbox WHERE audience > 0 AND delivered_at IS NULL"
    ).fetchone()
    assert waiting == (found["outboxbench_outbox_undelivered_messages", ()],)
    assert found["outboxbench_outbox_oldest_undelivered_seconds", ()] > 0
