"""What the service says to whoever asks it wrongly."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from outboxbench.web.bodies import BODY_LIMIT_BYTES

if TYPE_CHECKING:
    from tests.web.conftest import Service

ID = "7f7c0a9e-52f1-4d7c-9a3e-0b8d0f2f4c11"
LINE = {"line_no": 1, "sku": "tea", "quantity": 2, "unit_price_cents": 350}


def order(**changed: Any) -> dict[str, Any]:
    return {"account_id": ID, "lines": [LINE], **changed}


@pytest.mark.parametrize(
    ("path", "content", "field"),
    [
        ("/accounts", {"account_id": "7"}, "account_id"),
        ("/accounts", {"owner": "me"}, "owner"),
        ("/accounts", [], "the body"),
        (f"/accounts/{ID}/deposits", {}, "amount_cents"),
        (f"/accounts/{ID}/deposits", {"amount_cents": 0}, "amount_cents"),
        (f"/accounts/{ID}/deposits", {"amount_cents": "5"}, "amount_cents"),
        (f"/accounts/{ID}/deposits", {"amount_cents": 1.5}, "amount_cents"),
        (f"/accounts/{ID}/deposits", {"amount_cents": True}, "amount_cents"),
        (f"/accounts/{ID}/deposits", {"amount_cents": 10**30}, "amount_cents"),
        (f"/accounts/{ID}/charges", {"amount_cents": 5}, "order_id"),
        ("/accounts/7/deposits", {"amount_cents": 5}, "account_id"),
        ("/orders", order(lines=[]), "lines"),
        ("/orders", order(lines=[{**LINE, "quantity": 0}]), "lines[0].quantity"),
        ("/orders", order(lines=[{**LINE, "sku": "a\x00b"}]), "lines[0].sku"),
        ("/orders", order(lines=[LINE] * 101), "lines"),
        ("/orders", order(tags=["x" * 65]), "tags[0]"),
    ],
)
async def test_a_field_that_is_wrong_is_named(
    path: str, content: Any, field: str, service: Service
) -> None:
    answer = await service.client.post(path, json=content)

    problem = answer.json()
    assert answer.status_code == 422, problem
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert [each["field"] for each in problem["errors"]] == [field]
    assert field in problem["detail"]
    assert all(each["detail"] for each in problem["errors"])


async def test_two_lines_with_one_number_are_refused_by_the_domain(service: Service) -> None:
    answer = await service.client.post("/orders", json=order(lines=[LINE, LINE]))

    assert answer.status_code == 409
    assert answer.json()["detail"] == "two lines of an order cannot have the same number"


@pytest.mark.parametrize("content", [b"{", b"\xff\xfe", b'{"account_id": "\\ud800"}', b"nonsense"])
async def test_what_is_no_json_is_a_bad_request(content: bytes, service: Service) -> None:
    answer = await service.client.post("/accounts", content=content)

    assert answer.status_code == 400
    assert answer.json()["detail"] == "send JSON in UTF-8"


@pytest.mark.parametrize("key", ["7", "", "x" * 36, f"{ID}{ID}"])
async def test_a_key_that_is_no_uuid_is_a_bad_request(key: str, service: Service) -> None:
    answer = await service.client.post("/accounts", headers={"Idempotency-Key": key})

    assert answer.status_code == 400
    assert "UUID" in answer.json()["detail"]


@pytest.mark.parametrize("number", ["0", "10001", "-1", "x", "9" * 5_000])
async def test_a_line_that_no_order_has_is_named(number: str, service: Service) -> None:
    answer = await service.client.patch(f"/orders/{ID}/lines/{number}", json={"quantity": 1})

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "line_no"


@pytest.mark.parametrize("chunked", [False, True])
async def test_a_body_that_is_too_large_is_not_read(chunked: bool, service: Service) -> None:
    content = b"x" * (BODY_LIMIT_BYTES + 1)

    async def chunks() -> Any:
        for start in range(0, len(content), 1_000):
            yield content[start : start + 1_000]

    answer = await service.client.post("/accounts", content=chunks() if chunked else content)

    assert answer.status_code == 413
    assert answer.headers["Connection"] == "close"
    assert (await service.client.get("/health/live")).status_code == 200


async def test_a_path_that_leads_nowhere_is_not_found_and_not_redirected(service: Service) -> None:
    for path in ("/", "/accounts/", "/orders/x/y/z"):
        answer = await service.client.get(path)

        assert answer.status_code == 404
        assert answer.json()["detail"] == "there is nothing at this path: see /openapi.json"


async def test_a_method_that_is_not_for_a_path_is_told_with_those_that_are(
    service: Service,
) -> None:
    answer = await service.client.delete("/orders")

    assert (answer.status_code, answer.headers["Allow"]) == (405, "POST")
    assert answer.json()["detail"] == "DELETE is not for this path: use POST"


async def test_only_who_shows_the_token_is_served_but_for_the_health(started: Any) -> None:
    async with started(token="open-sesame") as service:
        client = service.client
        for headers in (
            {},
            {"Authorization": "Bearer"},
            {"Authorization": "Bearer other"},
            {"Authorization": "Basic open-sesame"},
        ):
            for path in ("/accounts", "/metrics", "/openapi.json"):
                method = "POST" if path == "/accounts" else "GET"
                answer = await client.request(method, path, headers=headers)
                assert answer.status_code == 401, (path, headers)
                assert answer.headers["WWW-Authenticate"] == "Bearer"
        assert (await client.get("/health/ready")).status_code == 200
        shown = await client.post("/accounts", headers={"Authorization": "bearer open-sesame"})
        assert shown.status_code == 201
