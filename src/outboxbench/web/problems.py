"""Errors as clients read them: problem details (RFC 9457), each with a type of its own."""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import TYPE_CHECKING, Final, NamedTuple

from starlette.responses import Response

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from uuid import UUID

MEDIA_TYPE: Final = "application/problem+json"
TYPE_PREFIX: Final = "urn:outboxbench:problem:"

# Somebody else may be served in a moment, and the database may be back.
_TRY_AGAIN: Final = {"Retry-After": "1"}


class FieldError(NamedTuple):
    """What is wrong with one field of a request."""

    field: str
    detail: str


class Problem(Exception):
    """A request that is not answered as it was hoped.

    Args:
        status: of the response.
        kind: what the type of the problem ends with.
        detail: one sentence that says what to do.
        errors: the fields that are wrong.
        headers: of the response.
    """

    def __init__(
        self,
        status: HTTPStatus,
        kind: str,
        detail: str,
        *,
        errors: Sequence[FieldError] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.kind = kind
        self.detail = detail
        self.errors = errors
        self.headers = headers

    @property
    def body(self) -> bytes:
        """The problem as JSON."""
        document = {
            "type": f"{TYPE_PREFIX}{self.kind}",
            "title": self.status.phrase,
            "status": self.status.value,
            "detail": self.detail,
        }
        if self.errors:
            return json.dumps(
                {**document, "errors": [each._asdict() for each in self.errors]}
            ).encode()
        return json.dumps(document).encode()

    def response(self) -> Response:
        """The problem as it is sent."""
        return Response(self.body, self.status.value, headers=self.headers, media_type=MEDIA_TYPE)


def malformed(detail: str) -> Problem:
    """The request cannot be read at all."""
    return Problem(HTTPStatus.BAD_REQUEST, "malformed", detail)


def invalid(errors: Sequence[FieldError]) -> Problem:
    """The request can be read, and asks for what nobody may ask for."""
    named = ", ".join(each.field for each in errors)
    return Problem(
        HTTPStatus.UNPROCESSABLE_ENTITY,
        "invalid",
        f"correct what is sent as {named}",
        errors=errors,
    )


def unauthorised() -> Problem:
    """Whoever asks has not shown the token."""
    return Problem(
        HTTPStatus.UNAUTHORIZED,
        "unauthorised",
        "send the token of this service as Authorization: Bearer …",
        headers={"WWW-Authenticate": "Bearer"},
    )


def too_large(limit_bytes: int) -> Problem:
    """The body is larger than anything that can be asked here."""
    return Problem(
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        "too-large",
        f"send a body of at most {limit_bytes} bytes",
        # What is left of the body would be read to be thrown away.
        headers={"Connection": "close"},
    )


def not_found(detail: str) -> Problem:
    """What the request is about does not exist."""
    return Problem(HTTPStatus.NOT_FOUND, "not-found", detail)


def version_conflict() -> Problem:
    """Others changed the aggregate each time while this request did."""
    return Problem(
        HTTPStatus.CONFLICT,
        "version-conflict",
        "others changed it each time before this request could: send it again",
        headers=_TRY_AGAIN,
    )


def already_exists() -> Problem:
    """Another operation has made what this one was to make."""
    return Problem(
        HTTPStatus.CONFLICT, "already-exists", "there is one with this id already: choose another"
    )


def refused(detail: str) -> Problem:
    """The domain refuses the command."""
    return Problem(HTTPStatus.CONFLICT, "refused", detail)


def overloaded() -> Problem:
    """So many are served already that this request would only make all of them wait."""
    return Problem(
        HTTPStatus.SERVICE_UNAVAILABLE,
        "overloaded",
        "nothing was done, as too much is asked at the moment: send it again later",
        headers=_TRY_AGAIN,
    )


def unavailable() -> Problem:
    """The database, or a connection to it, was not to be had in time; nothing was changed."""
    return Problem(
        HTTPStatus.SERVICE_UNAVAILABLE,
        "unavailable",
        "nothing was done, as the database cannot be reached in time: send it again later",
        headers=_TRY_AGAIN,
    )


def in_doubt(op_id: UUID) -> Problem:
    """The commit was sent, and nobody knows whether it arrived."""
    return Problem(
        HTTPStatus.SERVICE_UNAVAILABLE,
        "in-doubt",
        "it may have been done, as the connection to the database was lost while it was: "
        f"send it again with Idempotency-Key: {op_id}, which does it at most once",
        headers=_TRY_AGAIN,
    )


def unexpected() -> Problem:
    """A mistake of ours; what it is stands in the service's own log alone."""
    return Problem(
        HTTPStatus.INTERNAL_SERVER_ERROR,
        "unexpected",
        "the service has made a mistake, which its log tells: report it",
    )
