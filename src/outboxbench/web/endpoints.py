"""What can be asked of the service, one method an endpoint.

An answer says what follows from the request alone, so that a repeated request gets the same one.
"""

from __future__ import annotations

import asyncio
import json
from contextlib import suppress
from dataclasses import dataclass
from http import HTTPStatus
from time import monotonic_ns
from typing import TYPE_CHECKING, Final, Generic
from uuid import UUID, uuid5

from starlette.responses import Response

from outboxbench.core.application.outcome import PersistenceError
from outboxbench.core.domain.ordering import AddOrderLine, AmendOrderLine, PlaceOrder
from outboxbench.core.domain.payments import ChargeAccount, Deposit, OpenAccount
from outboxbench.web import meters as metering
from outboxbench.web.bodies import (
    AmendLineBody,
    B,
    ChargeBody,
    DepositBody,
    LineBody,
    OpenAccountBody,
    PlaceOrderBody,
    read_body,
)
from outboxbench.web.incoming import (
    content_of,
    headers_of,
    operation_id,
    path_id,
    path_line_number,
    received_ns,
)
from outboxbench.web.problems import unavailable

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from starlette.requests import Request

    from outboxbench.core.application.outbox import OutboxStatus
    from outboxbench.core.application.ports import UnitOfWork
    from outboxbench.core.domain.message import Command
    from outboxbench.core.domain.ordering import Order
    from outboxbench.core.domain.payments import Account
    from outboxbench.web.meters import Meters
    from outboxbench.web.operations import Operations

JSON: Final = "application/json"
REPLAYED_HEADER: Final = "Idempotent-Replayed"
_ENCODER: Final = json.JSONEncoder(separators=(",", ":"))
_STATUS_TIMEOUT_S: Final = 1.0


@dataclass(frozen=True, slots=True)
class _Asked(Generic[B]):
    """What a command is asked with, and what it runs under."""

    body: B
    op_id: UUID
    is_op_id_chosen: bool
    received_ns: int


class Endpoints:
    """Answers requests.

    Args:
        operations: what runs commands and reads.
        meters: what counts them.
        outbox_status: tells how the outbox stands.
    """

    def __init__(
        self,
        operations: Operations,
        meters: Meters,
        outbox_status: Callable[[], Awaitable[OutboxStatus]],
    ) -> None:
        self._operations = operations
        self._meters = meters
        self._outbox_status = outbox_status

    async def open_account(self, request: Request) -> Response:
        """POST /accounts."""
        asked = await self._asked(request, OpenAccountBody)
        account_id = asked.body.account_id or uuid5(asked.op_id, "account")
        return await self._run(
            asked,
            OpenAccount(account_id=account_id),
            HTTPStatus.CREATED,
            {"account_id": str(account_id)},
            location=f"/accounts/{account_id}",
        )

    async def deposit(self, request: Request) -> Response:
        """POST /accounts/{account_id}/deposits."""
        account_id = path_id(request, "account_id")
        asked = await self._asked(request, DepositBody)
        cents = asked.body.amount_cents
        return await self._run(
            asked,
            Deposit(account_id=account_id, amount_cents=cents),
            HTTPStatus.OK,
            {"account_id": str(account_id), "amount_cents": cents},
        )

    async def charge(self, request: Request) -> Response:
        """POST /accounts/{account_id}/charges: whether it is covered, an event tells the order."""
        account_id = path_id(request, "account_id")
        asked = await self._asked(request, ChargeBody)
        order_id, cents = asked.body.order_id, asked.body.amount_cents
        return await self._run(
            asked,
            ChargeAccount(account_id=account_id, order_id=order_id, amount_cents=cents),
            HTTPStatus.OK,
            {"account_id": str(account_id), "order_id": str(order_id), "amount_cents": cents},
        )

    async def place_order(self, request: Request) -> Response:
        """POST /orders."""
        asked = await self._asked(request, PlaceOrderBody)
        order_id = asked.body.order_id or uuid5(asked.op_id, "order")
        command = PlaceOrder(
            order_id=order_id,
            account_id=asked.body.account_id,
            lines=tuple(each.line for each in asked.body.lines),
            tags=asked.body.tags,
        )
        return await self._run(
            asked,
            command,
            HTTPStatus.CREATED,
            {"order_id": str(order_id)},
            location=f"/orders/{order_id}",
        )

    async def add_line(self, request: Request) -> Response:
        """POST /orders/{order_id}/lines."""
        order_id = path_id(request, "order_id")
        asked = await self._asked(request, LineBody)
        return await self._run(
            asked,
            AddOrderLine(order_id=order_id, line=asked.body.line),
            HTTPStatus.CREATED,
            {"order_id": str(order_id), "line_no": asked.body.line_no},
        )

    async def amend_line(self, request: Request) -> Response:
        """PATCH /orders/{order_id}/lines/{line_no}."""
        order_id = path_id(request, "order_id")
        line_no = path_line_number(request)
        asked = await self._asked(request, AmendLineBody)
        quantity = asked.body.quantity
        return await self._run(
            asked,
            AmendOrderLine(order_id=order_id, line_no=line_no, quantity=quantity),
            HTTPStatus.OK,
            {"order_id": str(order_id), "line_no": line_no, "quantity": quantity},
        )

    async def account(self, request: Request) -> Response:
        """GET /accounts/{account_id}."""
        account_id = path_id(request, "account_id")
        self._operations.require_room()

        async def load(unit: UnitOfWork) -> Account:
            return await unit.accounts.get(account_id)

        found = await self._operations.read(load)
        return _json(
            HTTPStatus.OK,
            {
                "account_id": str(found.id),
                "version": found.version,
                "balance_cents": found.balance_cents,
            },
        )

    async def order(self, request: Request) -> Response:
        """GET /orders/{order_id}."""
        order_id = path_id(request, "order_id")
        self._operations.require_room()

        async def load(unit: UnitOfWork) -> Order:
            return await unit.orders.get(order_id)

        found = await self._operations.read(load)
        return _json(
            HTTPStatus.OK,
            {
                "order_id": str(found.id),
                "version": found.version,
                "account_id": str(found.account_id),
                "status": found.status.value,
                "tags": found.tags,
                "total_cents": found.total_cents,
                "lines": [line.state() for line in found.lines.values()],
            },
        )

    async def operation(self, request: Request) -> Response:
        """GET /operations/{op_id}: for whoever never had an answer."""
        op_id = path_id(request, "op_id")
        self._operations.require_room()
        committed = await self._operations.was_committed(op_id)
        return _json(HTTPStatus.OK, {"operation_id": str(op_id), "committed": committed})

    async def live(self, request: Request) -> Response:  # noqa: ARG002
        """GET /health/live: this process answers."""
        return _json(HTTPStatus.OK, {"status": "live"})

    async def ready(self, request: Request) -> Response:  # noqa: ARG002
        """GET /health/ready: and so does its database."""
        if not await self._operations.reaches_database():
            raise unavailable()
        return _json(HTTPStatus.OK, {"status": "ready"})

    async def metrics(self, request: Request) -> Response:  # noqa: ARG002
        """GET /metrics, as Prometheus reads them."""
        outbox = None
        with suppress(PersistenceError, TimeoutError):
            async with asyncio.timeout(_STATUS_TIMEOUT_S):
                outbox = await self._outbox_status()
        operations = self._operations
        text = self._meters.text(operations.in_flight, operations.connections, outbox)
        return Response(text, headers={"Content-Type": metering.MEDIA_TYPE})

    async def _asked(self, request: Request, kind: type[B]) -> _Asked[B]:
        """Read what a command is asked with, where there is room for one more."""
        self._operations.require_room()
        headers = headers_of(request)
        op_id, is_chosen = operation_id(headers)
        body = read_body(kind, await content_of(request, headers))
        return _Asked(body, op_id, is_chosen, received_ns(request))

    async def _run(
        self,
        asked: _Asked[B],
        command: Command,
        status: HTTPStatus,
        answer: Mapping[str, str | int],
        location: str | None = None,
    ) -> Response:
        # Others may have come while the body did.
        self._operations.require_room()
        done = await self._operations.run(
            command, asked.op_id, may_be_repetition=asked.is_op_id_chosen
        )
        headers = {"Idempotency-Key": str(asked.op_id)}
        if location is not None:
            headers["Location"] = location
        if done.was_repeated:
            headers[REPLAYED_HEADER] = "true"
        headers["Server-Timing"] = server_timing(
            done.pool_wait_ns,
            done.took_ns - done.pool_wait_ns,
            monotonic_ns() - asked.received_ns - done.took_ns,
        )
        return _json(status, answer, headers)


def server_timing(pool_wait_ns: int, transaction_ns: int, around_ns: int) -> str:
    """Return the header that tells where the time of a request went (W3C Server Timing), in ms."""
    return (
        f"pool;dur={pool_wait_ns / 1e6:.3f}, transaction;dur={transaction_ns / 1e6:.3f}, "
        f"service;dur={around_ns / 1e6:.3f}"
    )


def _json(
    status: HTTPStatus, document: Mapping[str, object], headers: Mapping[str, str] | None = None
) -> Response:
    return Response(
        _ENCODER.encode(document).encode(), status.value, headers=headers, media_type=JSON
    )
