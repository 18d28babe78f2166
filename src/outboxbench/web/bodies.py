"""What clients may send: every field with its limits, within which nothing overflows later."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final, TypeVar
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from outboxbench.core.domain.ordering import OrderLine
from outboxbench.web.problems import FieldError, invalid, malformed

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

MOST_LINES: Final = 100
MOST_TAGS: Final = 20
BODY_LIMIT_BYTES: Final = 64 * 1024
"""Room for an order of as many lines and tags as there may be."""

# A hundred lines of the most articles at the highest price stay below what a bigint holds.
Quantity = Annotated[int, Field(ge=1, le=10_000_000)]
AmendedQuantity = Annotated[int, Field(ge=0, le=10_000_000)]
PriceCents = Annotated[int, Field(ge=0, le=1_000_000_000)]
AmountCents = Annotated[int, Field(ge=1, le=1_000_000_000_000)]
LineNumber = Annotated[int, Field(ge=1, le=10_000)]
# PostgreSQL stores no NUL, and nobody wants the other control characters in a name either.
Name = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[^\x00-\x1f\x7f]+$")]


class Body(BaseModel):
    """Base of all that is sent: a field that nobody knows is an error, and so is a wrong type."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class OpenAccountBody(Body):
    """An account to open; its id is made from that of the operation if nobody gives one."""

    account_id: UUID | None = None


class DepositBody(Body):
    """Money to put in."""

    amount_cents: AmountCents


class ChargeBody(Body):
    """The price of an order to take from an account."""

    order_id: UUID
    amount_cents: AmountCents


class LineBody(Body):
    """A number of one article at one price."""

    line_no: LineNumber
    sku: Name
    quantity: Quantity
    unit_price_cents: PriceCents

    @property
    def line(self) -> OrderLine:
        """The line as the domain has it."""
        return OrderLine(self.line_no, self.sku, self.quantity, self.unit_price_cents)


class PlaceOrderBody(Body):
    """An order to place; its id is made from that of the operation if nobody gives one."""

    order_id: UUID | None = None
    account_id: UUID
    lines: Annotated[tuple[LineBody, ...], Field(min_length=1, max_length=MOST_LINES)]
    tags: Annotated[tuple[Name, ...], Field(max_length=MOST_TAGS)] = ()


class AmendLineBody(Body):
    """How many of an article are ordered from now on; 0 removes the line."""

    quantity: AmendedQuantity


B = TypeVar("B", bound=Body)


def read_body(kind: type[B], content: bytes) -> B:
    """Return what a request sends; no content at all is taken for an object without fields.

    Raises:
        Problem: it is no JSON, or not what may be sent.
    """
    try:
        return kind.model_validate_json(content or b"{}")
    except ValidationError as error:
        found = error.errors(include_url=False, include_input=False, include_context=False)
    if found[0]["type"] == "json_invalid":
        raise malformed("send JSON in UTF-8")
    # A list whose only item is wrong is told to be too short as well.
    wrong = [each for each in found if not any(_is_within(other, each) for other in found)]
    raise invalid([FieldError(_path(each), each["msg"]) for each in wrong])


def _is_within(inner: ErrorDetails, outer: ErrorDetails) -> bool:
    place = len(outer["loc"])
    return len(inner["loc"]) > place and inner["loc"][:place] == outer["loc"]


def _path(error: ErrorDetails) -> str:
    """Where the error is, as in lines[0].quantity."""
    path = "".join(f"[{each}]" if isinstance(each, int) else f".{each}" for each in error["loc"])
    return path.removeprefix(".") or "the body"
