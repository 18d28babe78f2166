"""What is read of a request before anybody knows what it asks for."""

from __future__ import annotations

import re
from hmac import compare_digest
from time import monotonic_ns
from typing import TYPE_CHECKING, Final
from uuid import UUID, uuid4

from outboxbench.web.bodies import BODY_LIMIT_BYTES
from outboxbench.web.problems import FieldError, invalid, malformed, too_large, unauthorised

if TYPE_CHECKING:
    from starlette.requests import Request

RECEIVED_KEY: Final = "outboxbench.received_ns"
"""Where a scope says when the first byte of its request was read, on the monotonic clock."""

_LINE_NUMBER: Final = re.compile(r"[1-9][0-9]{0,3}|10000")
_LONGEST_NUMBER: Final = 18
_UUID: Final = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


def headers_of(request: Request) -> dict[bytes, bytes]:
    """Return the headers, their names in lower case; of several with one name the last."""
    return dict(request.scope["headers"])


def require_token(headers: dict[bytes, bytes], token: bytes) -> None:
    """Refuse whoever does not show the token.

    Raises:
        Problem: it is missing, or another one.
    """
    scheme, _, shown = headers.get(b"authorization", b"").partition(b" ")
    if scheme.lower() != b"bearer" or not compare_digest(shown.strip(), token):
        raise unauthorised()


def operation_id(headers: dict[bytes, bytes]) -> tuple[UUID, bool]:
    """Return what an operation runs under, and whether the client has chosen it.

    It may stand in quotation marks, as the draft of the header wants it.

    Raises:
        Problem: what the client has chosen is no UUID.
    """
    key = headers.get(b"idempotency-key")
    if key is None:
        return uuid4(), False
    text = key.decode("latin-1").strip().strip('"')
    if not _UUID.fullmatch(text):
        raise malformed("send a UUID as Idempotency-Key, a new one for each operation")
    return UUID(text), True


def path_id(request: Request, name: str) -> UUID:
    """Return an id that stands in the path.

    Raises:
        Problem: it is no UUID.
    """
    text: str = request.path_params[name]
    if not _UUID.fullmatch(text):
        raise invalid([FieldError(name, "it must be a UUID")])
    return UUID(text)


def path_line_number(request: Request) -> int:
    """Return the number of a line that stands in the path.

    Raises:
        Problem: it is none that a line may have.
    """
    text: str = request.path_params["line_no"]
    if not _LINE_NUMBER.fullmatch(text):
        raise invalid([FieldError("line_no", "it must be a number from 1 to 10000")])
    return int(text)


async def content_of(request: Request, headers: dict[bytes, bytes]) -> bytes:
    """Return the body.

    Raises:
        Problem: it is longer than any body may be; what was not read yet is left unread.
        ClientDisconnect: the client has gone.
    """
    length = headers.get(b"content-length", b"0").lstrip(b"0")
    # Python reads no number of thousands of digits.
    if len(length) > _LONGEST_NUMBER or int(length or b"0") > BODY_LIMIT_BYTES:
        raise too_large(BODY_LIMIT_BYTES)
    content = b""
    async for chunk in request.stream():
        content += chunk
        if len(content) > BODY_LIMIT_BYTES:
            raise too_large(BODY_LIMIT_BYTES)
    return content


def received_ns(request: Request) -> int:
    """Return when the request came; where the server does not tell, that is now."""
    moment: int = request.scope.get(RECEIVED_KEY) or monotonic_ns()
    return moment
