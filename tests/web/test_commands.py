"""What the service does when it is asked properly."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest
from tests.slow import one_is_quick

if TYPE_CHECKING:
    import psycopg
    from tests.web.conftest import Service

LINE = {"line_no": 1, "sku": "tea", "quantity": 2, "unit_price_cents": 350}


async def place_order(service: Service, account_id: str, **more: Any) -> str:
    placed = await service.client.post(
        "/orders", json={"account_id": account_id, "lines": [LINE], **more}
    )
    assert placed.status_code == 201
    order_id: str = placed.json()["order_id"]
    return order_id


async def test_what_is_put_into_an_account_is_there(service: Service) -> None:
    opened = await service.client.post("/accounts")
    location = opened.headers["Location"]
    assert opened.status_code == 201
    assert location == f"/accounts/{opened.json()['account_id']}"

    deposited = await service.client.post(f"{location}/deposits", json={"amount_cents": 700})

    assert (deposited.status_code, deposited.json()["amount_cents"]) == (200, 700)
    assert (await service.client.get(location)).json() == {
        "account_id": opened.json()["account_id"],
        "version": 2,
        "balance_cents": 700,
    }


async def test_an_account_is_opened_under_the_id_that_is_asked_for_once(service: Service) -> None:
    account_id = str(uuid4())

    first = await service.client.post("/accounts", json={"account_id": account_id})
    second = await service.client.post("/accounts", json={"account_id": account_id})

    assert first.json() == {"account_id": account_id}
    assert second.status_code == 409
    assert second.json()["type"].endswith(":already-exists")


async def test_a_charge_takes_money_only_where_there_is_enough(service: Service) -> None:
    account_id = await service.open_account(1_000)
    path = f"/accounts/{account_id}/charges"

    for cents in (600, 600):
        charge = {"order_id": str(uuid4()), "amount_cents": cents}
        assert (await service.client.post(path, json=charge)).status_code == 200

    assert await service.balance_cents(account_id) == 400


async def test_an_order_holds_what_was_placed_added_and_amended(service: Service) -> None:
    account_id = await service.open_account()
    order_id = await place_order(service, account_id, tags=["gift", "süß"])
    added = {"line_no": 2, "sku": "cake", "quantity": 1, "unit_price_cents": 500}

    adding = await service.client.post(f"/orders/{order_id}/lines", json=added)
    amending = await service.client.patch(f"/orders/{order_id}/lines/1", json={"quantity": 3})

    assert (adding.status_code, amending.status_code) == (201, 200)
    assert (await service.client.get(f"/orders/{order_id}")).json() == {
        "order_id": order_id,
        "version": 3,
        "account_id": account_id,
        "status": "placed",
        "tags": ["gift", "süß"],
        "total_cents": 3 * 350 + 500,
        "lines": [{**LINE, "quantity": 3}, added],
    }


async def test_what_the_domain_refuses_is_a_conflict_that_says_why(service: Service) -> None:
    order_id = await place_order(service, str(uuid4()))

    refused = await service.client.patch(f"/orders/{order_id}/lines/7", json={"quantity": 1})

    assert refused.status_code == 409
    assert refused.headers["Content-Type"] == "application/problem+json"
    assert refused.json() == {
        "type": "urn:outboxbench:problem:refused",
        "title": "Conflict",
        "status": 409,
        "detail": "the order has no line 7",
    }


@pytest.mark.parametrize(
    ("method", "path", "content"),
    [
        ("GET", "/accounts/{id}", None),
        ("GET", "/orders/{id}", None),
        ("POST", "/accounts/{id}/deposits", {"amount_cents": 1}),
        ("POST", "/orders/{id}/lines", LINE),
    ],
)
async def test_what_does_not_exist_is_not_found(
    method: str, path: str, content: dict[str, Any] | None, service: Service
) -> None:
    answer = await service.client.request(method, path.format(id=uuid4()), json=content)

    assert answer.status_code == 404
    assert answer.json()["type"].endswith(":not-found")


@pytest.mark.parametrize(
    "strategy", one_is_quick(["asyncpg", "asyncpg-single", "psycopg-group", "orm-psycopg"])
)
async def test_a_request_that_is_repeated_is_answered_alike_and_done_once(
    strategy: str, started: Any, outsider: psycopg.Connection[Any]
) -> None:
    async with started(strategy=strategy) as service:
        account_id = await service.open_account(1_000)
        order_id = await place_order(service, account_id)
        charge = {"order_id": order_id, "amount_cents": 100}
        requests: list[tuple[str, str, dict[str, Any]]] = [
            ("POST", "/accounts", {}),
            ("POST", f"/accounts/{account_id}/deposits", {"amount_cents": 10}),
            ("POST", f"/accounts/{account_id}/charges", charge),
            ("POST", "/orders", {"account_id": account_id, "lines": [LINE]}),
            ("POST", f"/orders/{order_id}/lines", {**LINE, "line_no": 2}),
            ("PATCH", f"/orders/{order_id}/lines/1", {"quantity": 5}),
        ]
        for method, path, content in requests:
            key = {"Idempotency-Key": str(uuid4())}
            first = await service.client.request(method, path, json=content, headers=key)
            again = await service.client.request(method, path, json=content, headers=key)

            assert first.is_success, first.text
            assert (again.status_code, again.json()) == (first.status_code, first.json())
            assert again.headers.get("Location") == first.headers.get("Location")
            assert again.headers["Idempotent-Replayed"] == "true"
            assert "Idempotent-Replayed" not in first.headers
            messages = outsider.execute(
                "SELECT count(DISTINCT op_id), count(DISTINCT version) FROM outbox"
                " WHERE op_id = %s",
                (key["Idempotency-Key"],),
            ).fetchone()
            assert messages == (1, 1)
        assert await service.balance_cents(account_id) == 1_000 + 10 - 100


async def test_many_requests_under_one_key_at_once_have_one_effect(service: Service) -> None:
    account_id = await service.open_account()
    key = {"Idempotency-Key": f'"{uuid4()}"'}

    async def deposit() -> int:
        path = f"/accounts/{account_id}/deposits"
        answer = await service.client.post(path, json={"amount_cents": 5}, headers=key)
        return answer.status_code

    assert await asyncio.gather(*(deposit() for _ in range(12))) == [200] * 12
    assert await service.balance_cents(account_id) == 5


async def test_an_operation_tells_what_it_was_done_under(
    service: Service, outsider: psycopg.Connection[Any]
) -> None:
    chosen = str(uuid4())
    with_key = await service.client.post("/accounts", headers={"Idempotency-Key": chosen})
    without = await service.client.post("/accounts")

    assert with_key.headers["Idempotency-Key"] == chosen
    for answer in (with_key, without):
        op_id = answer.headers["Idempotency-Key"]
        stored = outsider.execute("SELECT aggregate_id FROM outbox WHERE op_id = %s", (op_id,))
        assert [str(row[0]) for row in stored] == [answer.json()["account_id"]]


async def test_whether_an_operation_is_committed_can_be_asked_by_its_key(service: Service) -> None:
    done, other = str(uuid4()), str(uuid4())
    await service.client.post("/accounts", headers={"Idempotency-Key": done})

    answers = [(await service.client.get(f"/operations/{each}")).json() for each in (done, other)]

    assert answers == [
        {"operation_id": done, "committed": True},
        {"operation_id": other, "committed": False},
    ]
