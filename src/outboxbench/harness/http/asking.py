"""A request of a mix as it is sent to the service."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final, NamedTuple

from outboxbench.core.domain.ordering import AmendOrderLine, PlaceOrder
from outboxbench.core.domain.payments import ChargeAccount

if TYPE_CHECKING:
    from outboxbench.harness.load.command_mix import Request

_ENCODER: Final = json.JSONEncoder(separators=(",", ":"))


class HttpRequest(NamedTuple):
    """What goes over the wire. `name` is the path with its parameters left open."""

    method: str
    path: str
    name: str
    body: bytes


def as_http(request: Request) -> HttpRequest:
    """Return a request as the service takes it, without the header that names its operation."""
    match request.command:
        case ChargeAccount(account_id=account, order_id=order, amount_cents=cents):
            return HttpRequest(
                "POST",
                f"/accounts/{account}/charges",
                "/accounts/{account_id}/charges",
                f'{{"order_id":"{order}","amount_cents":{cents}}}'.encode(),
            )
        case PlaceOrder() as command:
            order_body = {
                "order_id": str(command.order_id),
                "account_id": str(command.account_id),
                "lines": [line.state() for line in command.lines],
                "tags": command.tags,
            }
            return HttpRequest("POST", "/orders", "/orders", _ENCODER.encode(order_body).encode())
        case AmendOrderLine(order_id=order, line_no=line_no, quantity=quantity):
            return HttpRequest(
                "PATCH",
                f"/orders/{order}/lines/{line_no}",
                "/orders/{order_id}/lines/{line_no}",
                f'{{"quantity":{quantity}}}'.encode(),
            )
    raise ValueError(f"no mix asks for {type(request.command).__name__} over HTTP")
