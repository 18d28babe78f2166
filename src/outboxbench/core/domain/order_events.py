"""What happens to an order, as messages that are stored with it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Self

from outboxbench.core.domain.message import (
    Audience,
    InternalMessage,
    Message,
    State,
    integer_of,
    uuid_of,
)

if TYPE_CHECKING:
    from collections.abc import Mapping
    from uuid import UUID

    from outboxbench.core.domain.ordering import OrderLine


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderPlaced(InternalMessage):
    """An order waits for its payment."""

    topic: ClassVar[str] = "order.placed"
    audience: ClassVar[Audience] = Audience.EVERYBODY

    account_id: UUID
    total_cents: int

    def state(self) -> State:
        """Return the account to charge, and the amount."""
        return {"account_id": str(self.account_id), "total_cents": self.total_cents}

    @classmethod
    def from_state(cls, aggregate_id: UUID, version: int, state: Mapping[str, object]) -> Self:
        """Read the message back."""
        return cls(
            aggregate_id=aggregate_id,
            version=version,
            account_id=uuid_of(state, "account_id"),
            total_cents=integer_of(state, "total_cents"),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class StockRequested(Message):
    """The warehouse is asked to set articles aside."""

    topic: ClassVar[str] = "order.stock_requested"
    audience: ClassVar[Audience] = Audience.EXTERNAL

    lines: tuple[OrderLine, ...]

    def state(self) -> State:
        """Return the lines to set aside."""
        return {"lines": [line.state() for line in self.lines]}


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderLineEvent(Message):
    """Base of what happens to a single line."""

    audience: ClassVar[Audience] = Audience.EXTERNAL

    line: OrderLine

    def state(self) -> State:
        """Return the line."""
        return self.line.state()


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderLineAdded(OrderLineEvent):
    """An order has one more line."""

    topic: ClassVar[str] = "order.line_added"


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderLineChanged(OrderLineEvent):
    """A line has another quantity."""

    topic: ClassVar[str] = "order.line_changed"


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderLineRemoved(OrderLineEvent):
    """A line is gone; the message holds what it was."""

    topic: ClassVar[str] = "order.line_removed"


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderClosed(Message):
    """Base of the two ends that an order can have."""

    audience: ClassVar[Audience] = Audience.EXTERNAL

    total_cents: int

    def state(self) -> State:
        """Return what the order came to."""
        return {"total_cents": self.total_cents}


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderConfirmed(OrderClosed):
    """An order is paid for and accepted."""

    topic: ClassVar[str] = "order.confirmed"


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderCancelled(OrderClosed):
    """An order is given up."""

    topic: ClassVar[str] = "order.cancelled"
