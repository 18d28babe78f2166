"""Orders: a root with a status and tags, and the lines that it alone may change."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING, ClassVar

from outboxbench.core.domain.aggregate import Aggregate, Refused
from outboxbench.core.domain.message import Command, State
from outboxbench.core.domain.order_events import (
    OrderCancelled,
    OrderConfirmed,
    OrderLineAdded,
    OrderLineChanged,
    OrderLineRemoved,
    OrderPlaced,
    StockRequested,
)

if TYPE_CHECKING:
    from collections.abc import Iterable
    from uuid import UUID

    from outboxbench.core.domain.order_events import OrderClosed, OrderLineEvent


class OrderStatus(StrEnum):
    """Where an order stands."""

    PLACED = "placed"
    CONFIRMED = "confirmed"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class OrderLine:
    """A number of one article at one price. A value: a change makes a new one."""

    line_no: int
    sku: str
    quantity: int
    unit_price_cents: int

    @property
    def total_cents(self) -> int:
        """The price of the whole line."""
        return self.quantity * self.unit_price_cents

    def state(self) -> State:
        """Return the line as a message carries it."""
        return {
            "line_no": self.line_no,
            "sku": self.sku,
            "quantity": self.quantity,
            "unit_price_cents": self.unit_price_cents,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaceOrder(Command):
    """Order some articles on an account."""

    order_id: UUID
    account_id: UUID
    lines: tuple[OrderLine, ...]
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class AddOrderLine(Command):
    """Order one more article."""

    order_id: UUID
    line: OrderLine


@dataclass(frozen=True, slots=True, kw_only=True)
class AmendOrderLine(Command):
    """Change how many of an article are ordered; 0 removes the line."""

    order_id: UUID
    line_no: int
    quantity: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfirmOrder(Command):
    """Accept an order that is paid for."""

    order_id: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelOrder(Command):
    """Give an order up."""

    order_id: UUID


class Order(Aggregate):
    """An order and its lines. The lines are kept by number and change through the root only."""

    __slots__ = ("account_id", "lines", "status", "tags")

    aggregate_type: ClassVar[str] = "order"

    def __init__(
        self,
        id: UUID,
        account_id: UUID,
        status: OrderStatus,
        tags: Iterable[str],
        lines: Iterable[OrderLine],
        version: int = 0,
    ) -> None:
        super().__init__(id, version)
        self.account_id = account_id
        self.status = status
        self.tags = list(tags)
        self.lines = {line.line_no: line for line in lines}

    @classmethod
    def place(
        cls,
        id: UUID,
        account_id: UUID,
        lines: Iterable[OrderLine],
        tags: Iterable[str] = (),
    ) -> Order:
        """Place an order.

        Raises:
            Refused: there is no line, two lines share a number, or a quantity is not positive.
        """
        lines = tuple(lines)
        if not lines:
            raise Refused("an order needs at least one line")
        order = cls(id, account_id, OrderStatus.PLACED, tags, lines)
        if len(order.lines) != len(lines):
            raise Refused("two lines of an order cannot have the same number")
        for line in lines:
            _require_sellable(line)
        version = order.next_version
        order.raise_event(
            OrderPlaced(
                aggregate_id=id,
                version=version,
                account_id=account_id,
                total_cents=order.total_cents,
            )
        )
        order.raise_event(StockRequested(aggregate_id=id, version=version, lines=lines))
        return order

    @property
    def total_cents(self) -> int:
        """The price of all lines."""
        return sum(line.total_cents for line in self.lines.values())

    def add_line(self, line: OrderLine) -> None:
        """Add a line.

        Raises:
            Refused: the order is closed, the number is taken, or the quantity is not positive.
        """
        self._require_open()
        _require_sellable(line)
        if line.line_no in self.lines:
            raise Refused(f"the order already has a line {line.line_no}")
        self.lines[line.line_no] = line
        self._raise_about(line, OrderLineAdded)

    def amend_line(self, line_no: int, quantity: int) -> None:
        """Change the quantity of a line; 0 removes it.

        Raises:
            Refused: the order is closed, there is no such line, the quantity is negative, or it
                is the last line that would be removed.
        """
        self._require_open()
        if line_no not in self.lines:
            raise Refused(f"the order has no line {line_no}")
        if quantity < 0:
            raise Refused(f"a quantity cannot be negative, as {quantity} is")
        if quantity == 0:
            if len(self.lines) == 1:
                raise Refused("an order keeps at least one line: cancel it instead")
            self._raise_about(self.lines.pop(line_no), OrderLineRemoved)
        else:
            line = self.lines[line_no] = replace(self.lines[line_no], quantity=quantity)
            self._raise_about(line, OrderLineChanged)

    def confirm(self) -> None:
        """Accept the order.

        Raises:
            Refused: the order is closed.
        """
        self._close(OrderStatus.CONFIRMED, OrderConfirmed)

    def cancel(self) -> None:
        """Give the order up.

        Raises:
            Refused: the order is closed.
        """
        self._close(OrderStatus.CANCELLED, OrderCancelled)

    def _close(self, status: OrderStatus, event: type[OrderClosed]) -> None:
        self._require_open()
        self.status = status
        self.raise_event(
            event(aggregate_id=self.id, version=self.next_version, total_cents=self.total_cents)
        )

    def _raise_about(self, line: OrderLine, event: type[OrderLineEvent]) -> None:
        self.raise_event(event(aggregate_id=self.id, version=self.next_version, line=line))

    def _require_open(self) -> None:
        if self.status is not OrderStatus.PLACED:
            raise Refused(f"the order is {self.status} and cannot be changed any more")


def _require_sellable(line: OrderLine) -> None:
    if line.quantity <= 0 or line.unit_price_cents < 0:
        raise Refused(f"line {line.line_no} needs a positive quantity and a price of 0 or more")
