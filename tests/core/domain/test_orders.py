"""Orders: the root alone changes its lines, and the total is always that of the lines."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from outboxbench.core.domain.aggregate import Refused
from outboxbench.core.domain.order_events import (
    OrderCancelled,
    OrderConfirmed,
    OrderLineAdded,
    OrderLineChanged,
    OrderLineRemoved,
    OrderPlaced,
    StockRequested,
)
from outboxbench.core.domain.ordering import Order, OrderLine, OrderStatus

if TYPE_CHECKING:
    from collections.abc import Callable

    from outboxbench.core.domain.message import Message

LINES = st.builds(
    OrderLine,
    line_no=st.integers(1, 9),
    sku=st.text(max_size=5),
    quantity=st.integers(1, 1_000),
    unit_price_cents=st.integers(0, 10**9),
)
MANY_LINES = st.lists(LINES, min_size=1, max_size=9, unique_by=lambda line: line.line_no)
TEA = OrderLine(1, "tea", 2, 450)
CUP = OrderLine(2, "cup", 1, 1_200)


class OrderLife(RuleBasedStateMachine):
    """Any commands in any order, against a plain dictionary of what each line comes to."""

    order: Order
    expected_cents: dict[int, int]

    @initialize(lines=MANY_LINES)
    def place(self, lines: list[OrderLine]) -> None:
        self.order = Order.place(uuid4(), uuid4(), lines, tags=["gift"])
        self.expected_cents = {line.line_no: line.total_cents for line in lines}
        assert [type(event) for event in self.order.take_events()] == [OrderPlaced, StockRequested]

    @rule(line=LINES)
    def add_line(self, line: OrderLine) -> None:
        allowed = self._is_open() and line.line_no not in self.expected_cents
        if self._try(allowed, lambda: self.order.add_line(line), OrderLineAdded):
            self.expected_cents[line.line_no] = line.total_cents

    @rule(line_no=st.integers(1, 9), quantity=st.integers(-1, 100))
    def amend_line(self, line_no: int, quantity: int) -> None:
        known = line_no in self.expected_cents
        removes_the_last = quantity == 0 and len(self.expected_cents) == 1
        allowed = self._is_open() and known and quantity >= 0 and not removes_the_last
        event = OrderLineChanged if quantity else OrderLineRemoved
        if self._try(allowed, lambda: self.order.amend_line(line_no, quantity), event):
            if quantity:
                price_cents = self.order.lines[line_no].unit_price_cents
                self.expected_cents[line_no] = quantity * price_cents
            else:
                del self.expected_cents[line_no]

    @rule(confirm=st.booleans())
    def close(self, *, confirm: bool) -> None:
        allowed = self._is_open()
        if confirm:
            self._try(allowed, self.order.confirm, OrderConfirmed)
        else:
            self._try(allowed, self.order.cancel, OrderCancelled)

    @invariant()
    def the_total_is_that_of_the_lines(self) -> None:
        assert self.order.total_cents == sum(self.expected_cents.values())
        assert self.order.lines.keys() == self.expected_cents.keys()

    @invariant()
    def an_order_keeps_a_line(self) -> None:
        assert self.order.lines

    def _is_open(self) -> bool:
        return self.order.status is OrderStatus.PLACED

    def _try(self, allowed: bool, command: Callable[[], None], event: type[Message]) -> bool:
        if not allowed:
            with pytest.raises(Refused):
                command()
            assert self.order.take_events() == []
            return False
        command()
        assert [type(raised) for raised in self.order.take_events()] == [event]
        self.order.version += 1
        return True


TestOrderLife = OrderLife.TestCase


@given(MANY_LINES)
def test_what_is_to_be_paid_is_the_total_of_the_lines(lines: list[OrderLine]) -> None:
    account_id = uuid4()
    placed, stock_requested = Order.place(uuid4(), account_id, lines).events
    assert isinstance(placed, OrderPlaced)
    assert isinstance(stock_requested, StockRequested)
    assert placed.account_id == account_id
    assert placed.total_cents == sum(line.quantity * line.unit_price_cents for line in lines)
    assert stock_requested.lines == tuple(lines)


@pytest.mark.parametrize(
    ("lines", "reason"),
    [
        ((), "at least one line"),
        ((TEA, OrderLine(1, "cup", 1, 100)), "same number"),
        ((OrderLine(1, "tea", 0, 450),), "positive quantity"),
        ((OrderLine(1, "tea", 1, -1),), "positive quantity and a price"),
    ],
)
def test_an_order_that_cannot_be_sold_is_refused(lines: tuple[OrderLine, ...], reason: str) -> None:
    with pytest.raises(Refused, match=reason):
        Order.place(uuid4(), uuid4(), lines)


@pytest.mark.parametrize("close", [Order.confirm, Order.cancel])
def test_a_closed_order_cannot_be_changed_any_more(close: Callable[[Order], None]) -> None:
    order = Order.place(uuid4(), uuid4(), [TEA])
    close(order)
    with pytest.raises(Refused, match="cannot be changed any more"):
        order.add_line(CUP)
    with pytest.raises(Refused, match="cannot be changed any more"):
        order.amend_line(1, 5)
    with pytest.raises(Refused, match="cannot be changed any more"):
        order.confirm()


def test_a_removed_line_is_told_as_it_was() -> None:
    order = Order(uuid4(), uuid4(), OrderStatus.PLACED, [], [TEA, CUP], version=3)
    order.amend_line(1, 0)
    assert order.events == (OrderLineRemoved(aggregate_id=order.id, version=4, line=TEA),)


def test_what_is_given_to_an_order_can_change_without_changing_it() -> None:
    tags = ["gift"]
    order = Order.place(uuid4(), uuid4(), [TEA], tags)
    tags.append("late")
    assert order.tags == ["gift"]
