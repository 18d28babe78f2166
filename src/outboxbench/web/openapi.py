"""What the service tells of itself: an OpenAPI document, made of what it checks requests with."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from pydantic.json_schema import models_json_schema

from outboxbench.web import bodies
from outboxbench.web.problems import MEDIA_TYPE

if TYPE_CHECKING:
    from collections.abc import Mapping

_REF: Final = "#/components/schemas/{model}"
_UUID: Final = {"type": "string", "format": "uuid"}
_CENTS: Final = {"type": "integer", "format": "int64"}
_COUNT: Final = {"type": "integer"}
_TEXT: Final = {"type": "string"}
_BODIES: Final = (
    bodies.OpenAccountBody,
    bodies.DepositBody,
    bodies.ChargeBody,
    bodies.LineBody,
    bodies.PlaceOrderBody,
    bodies.AmendLineBody,
)

_PROBLEM: Final = {
    "type": "object",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {"type": "string", "format": "uri"},
        "title": _TEXT,
        "status": {"type": "integer"},
        "detail": _TEXT,
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["field", "detail"],
                "properties": {"field": _TEXT, "detail": _TEXT},
            },
        },
    },
}

_LINE: Final = {
    "line_no": _COUNT,
    "sku": _TEXT,
    "quantity": _COUNT,
    "unit_price_cents": _CENTS,
}


def openapi_document() -> str:
    """Return the document as JSON."""
    _, schemas = models_json_schema([(each, "validation") for each in _BODIES], ref_template=_REF)
    return json.dumps(
        {
            "openapi": "3.1.0",
            "info": {
                "title": "outboxbench",
                "version": "1",
                "description": "Accounts and orders whose changes are committed with their "
                "messages. A command that is sent again under the same Idempotency-Key is done "
                "once and answered alike.",
            },
            "components": {
                "schemas": {**schemas["$defs"], "Problem": _PROBLEM},
                "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
            },
            "security": [{}, {"token": []}],
            "paths": _paths(),
        }
    )


def _paths() -> dict[str, Any]:
    account, order = _path_id("account_id"), _path_id("order_id")
    line_no = {
        "name": "line_no",
        "in": "path",
        "required": True,
        "schema": {"type": "integer", "minimum": 1, "maximum": 10_000},
    }
    return {
        "/accounts": {
            "post": _command("Open an account", "OpenAccountBody", 201, {"account_id": _UUID})
        },
        "/accounts/{account_id}": {
            "parameters": [account],
            "get": _read(
                "An account", {"account_id": _UUID, "version": _COUNT, "balance_cents": _CENTS}
            ),
        },
        "/accounts/{account_id}/deposits": {
            "parameters": [account],
            "post": _command(
                "Put money into an account",
                "DepositBody",
                200,
                {"account_id": _UUID, "amount_cents": _CENTS},
            ),
        },
        "/accounts/{account_id}/charges": {
            "parameters": [account],
            "post": _command(
                "Charge an account for an order; whether it was covered, an event tells the order",
                "ChargeBody",
                200,
                {"account_id": _UUID, "order_id": _UUID, "amount_cents": _CENTS},
            ),
        },
        "/orders": {"post": _command("Place an order", "PlaceOrderBody", 201, {"order_id": _UUID})},
        "/orders/{order_id}": {
            "parameters": [order],
            "get": _read(
                "An order",
                {
                    "order_id": _UUID,
                    "version": _COUNT,
                    "account_id": _UUID,
                    "status": {"type": "string", "enum": ["placed", "confirmed", "cancelled"]},
                    "tags": {"type": "array", "items": _TEXT},
                    "total_cents": _CENTS,
                    "lines": {"type": "array", "items": _object(_LINE)},
                },
            ),
        },
        "/orders/{order_id}/lines": {
            "parameters": [order],
            "post": _command(
                "Add a line to an order", "LineBody", 201, {"order_id": _UUID, "line_no": _COUNT}
            ),
        },
        "/orders/{order_id}/lines/{line_no}": {
            "parameters": [order, line_no],
            "patch": _command(
                "Change the quantity of a line; 0 removes it",
                "AmendLineBody",
                200,
                {"order_id": _UUID, "line_no": _COUNT, "quantity": _COUNT},
            ),
        },
        "/operations/{op_id}": {
            "parameters": [_path_id("op_id")],
            "get": _read(
                "Whether an operation is committed; one that is under way may be so yet",
                {"operation_id": _UUID, "committed": {"type": "boolean"}},
            ),
        },
        "/health/live": {"get": _health("Whether this process answers")},
        "/health/ready": {"get": _health("Whether its database does, too")},
        "/metrics": {
            "get": {
                "summary": "Counters for Prometheus",
                "responses": {"200": {"description": "As text"}, **_problems(401)},
            }
        },
        "/openapi.json": {
            "get": {
                "summary": "This document",
                "responses": {"200": {"description": "As JSON"}, **_problems(401)},
            }
        },
    }


def _path_id(name: str) -> dict[str, Any]:
    return {"name": name, "in": "path", "required": True, "schema": _UUID}


def _object(properties: Mapping[str, object]) -> dict[str, Any]:
    return {"type": "object", "required": list(properties), "properties": properties}


def _command(summary: str, body: str, status: int, answer: Mapping[str, object]) -> dict[str, Any]:
    key = {
        "name": "Idempotency-Key",
        "in": "header",
        "required": False,
        "schema": _UUID,
        "description": "What the operation is done under, at most once.",
    }
    return {
        "summary": summary,
        "parameters": [key],
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": {"$ref": _REF.format(model=body)}}},
        },
        "responses": {
            str(status): _json("Committed", _object(answer)),
            **_problems(400, 401, 404, 409, 413, 422, 503),
        },
    }


def _read(summary: str, answer: Mapping[str, object]) -> dict[str, Any]:
    return {
        "summary": summary,
        "responses": {
            "200": _json("As it is committed", _object(answer)),
            **_problems(401, 404, 422, 503),
        },
    }


def _health(summary: str) -> dict[str, Any]:
    return {
        "summary": summary,
        "security": [],
        "responses": {"200": _json("It does", _object({"status": _TEXT})), **_problems(503)},
    }


def _problems(*statuses: int) -> dict[str, Any]:
    content = {MEDIA_TYPE: {"schema": {"$ref": _REF.format(model="Problem")}}}
    return {str(each): {"description": "A problem", "content": content} for each in statuses}


def _json(description: str, schema: Mapping[str, object]) -> dict[str, Any]:
    return {"description": description, "content": {"application/json": {"schema": schema}}}
