"""Puts the service together: which path leads where, who may ask, and what an error looks like."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from outboxbench.web.endpoints import JSON, Endpoints
from outboxbench.web.incoming import headers_of, require_token
from outboxbench.web.openapi import openapi_document
from outboxbench.web.problems import Problem, not_found, unexpected

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from starlette.types import ASGIApp, Receive, Scope, Send

    Endpoint = Callable[[Request], Awaitable[Response]]

_CLIENT_CLOSED_REQUEST: Final = 499
"""As nginx calls it; nobody reads it."""


def build_app(
    endpoints: Endpoints,
    *,
    token: str | None = None,
    observe: Callable[[str], None] = lambda _: None,
) -> Starlette:
    """Return the application.

    Args:
        endpoints: what answers.
        token: what everybody has to show who asks for more than the health of the service.
        observe: told of mistakes of ours, which no client is told.
    """
    document = openapi_document().encode()

    async def describe(_: Request) -> Response:
        return Response(document, media_type=JSON)

    def route(path: str, method: str, endpoint: Endpoint, *, is_open: bool = False) -> Route:
        needed = None if is_open or token is None else token.encode()
        return Route(path, _Guarded(endpoint, needed, observe), methods=[method])

    app = _Application(
        routes=[
            # Those that are asked most come first: they are looked through in this order.
            route("/accounts/{account_id}/charges", "POST", endpoints.charge),
            route("/orders", "POST", endpoints.place_order),
            route("/orders/{order_id}/lines/{line_no}", "PATCH", endpoints.amend_line),
            route("/orders/{order_id}/lines", "POST", endpoints.add_line),
            route("/orders/{order_id}", "GET", endpoints.order),
            route("/accounts/{account_id}/deposits", "POST", endpoints.deposit),
            route("/accounts/{account_id}", "GET", endpoints.account),
            route("/accounts", "POST", endpoints.open_account),
            route("/operations/{op_id}", "GET", endpoints.operation),
            route("/health/live", "GET", endpoints.live, is_open=True),
            route("/health/ready", "GET", endpoints.ready, is_open=True),
            route("/metrics", "GET", endpoints.metrics),
            route("/openapi.json", "GET", describe),
        ]
    )
    # A path is right or wrong: who follows a redirection may send its body to nobody.
    app.router.redirect_slashes = False
    return app


class _Application(Starlette):
    """Starlette without its middleware for exceptions, through which every message would pass.

    Endpoints raise none; routing alone does.
    """

    def build_middleware_stack(self) -> ASGIApp:
        """Return the router, whose own problems are answered as all others are."""
        router = self.router

        async def answer(scope: Scope, receive: Receive, send: Send) -> None:
            try:
                await router(scope, receive, send)
            except HTTPException as error:
                await _routing_problem(scope["method"], error)(scope, receive, send)

        return answer


class _Guarded:
    """An endpoint that raises nothing and asks for the token first, as an application (ASGI)."""

    def __init__(
        self, endpoint: Endpoint, token: bytes | None, observe: Callable[[str], None]
    ) -> None:
        self._endpoint = endpoint
        self._token = token
        self._observe = observe

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        response = await self._response(Request(scope, receive))
        await response(scope, receive, send)

    async def _response(self, request: Request) -> Response:
        try:
            if self._token is not None:
                require_token(headers_of(request), self._token)
            return await self._endpoint(request)
        except Problem as problem:
            if problem.status is HTTPStatus.INTERNAL_SERVER_ERROR:
                self._tell(request, problem.__cause__)
            return problem.response()
        except ClientDisconnect:
            return Response(status_code=_CLIENT_CLOSED_REQUEST)
        except Exception as error:
            self._tell(request, error)
            return unexpected().response()

    def _tell(self, request: Request, error: BaseException | None) -> None:
        self._observe(f"{request.method} {request.url.path}: {_told(error)}")


def _told(error: BaseException | None) -> str:
    return "nothing is known of it" if error is None else f"{type(error).__name__}: {error}"


def _routing_problem(method: str, error: HTTPException) -> Response:
    """Answer for a path that leads nowhere, or that is asked with another method."""
    if error.status_code == HTTPStatus.NOT_FOUND:
        return not_found("there is nothing at this path: see /openapi.json").response()
    allowed = (error.headers or {}).get("Allow", "")
    return Problem(
        HTTPStatus(error.status_code),
        "method-not-allowed",
        f"{method} is not for this path: use {allowed}",
        headers=error.headers,
    ).response()
