"""Every command is stored as the domain says, and loaded again as it was stored."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import uuid4

from outboxbench.core.application.outcome import Attempt
from outboxbench.core.domain.ordering import (
    AddOrderLine,
    AmendOrderLine,
    CancelOrder,
    ConfirmOrder,
    Order,
    OrderLine,
    PlaceOrder,
)
from outboxbench.core.domain.payments import Account, ChargeAccount, Deposit, OpenAccount
from outboxbench.testing.steps import (
    LINES,
    TAGS,
    assert_state,
    assert_stored,
    handle,
    new_account,
    new_order,
)

if TYPE_CHECKING:
    from outboxbench.testing.arena import Arena

LARGE_AMOUNT_CENTS = 5_000_000_000


class RoundTrips:
    """One test a command, and those for what a transaction can do to the lines of an order."""

    async def test_an_account_that_is_opened_is_stored(self, arena: Arena) -> None:
        persistence = await arena.open()
        account, op_id = Account.open(uuid4()), uuid4()
        await handle(persistence, OpenAccount(account_id=account.id), Attempt(op_id))
        await assert_stored(arena, persistence, account, op_id)

    async def test_a_deposit_is_stored(self, arena: Arena) -> None:
        persistence = await arena.open()
        account, op_id = await new_account(persistence), uuid4()
        command = Deposit(account_id=account.id, amount_cents=LARGE_AMOUNT_CENTS)
        await handle(persistence, command, Attempt(op_id))
        account.deposit(LARGE_AMOUNT_CENTS)
        await assert_stored(arena, persistence, account, op_id)

    async def test_a_charge_is_stored(self, arena: Arena) -> None:
        persistence = await arena.open()
        account, op_id, order_id = await new_account(persistence), uuid4(), uuid4()
        await handle(
            persistence,
            ChargeAccount(account_id=account.id, order_id=order_id, amount_cents=400),
            Attempt(op_id),
        )
        account.charge(order_id, 400)
        await assert_stored(arena, persistence, account, op_id)

    async def test_a_charge_that_is_rejected_is_stored_and_raises_the_version(
        self, arena: Arena
    ) -> None:
        persistence = await arena.open()
        account, op_id, order_id = await new_account(persistence), uuid4(), uuid4()
        await handle(
            persistence,
            ChargeAccount(account_id=account.id, order_id=order_id, amount_cents=1_001),
            Attempt(op_id),
        )
        account.charge(order_id, 1_001)
        await assert_stored(arena, persistence, account, op_id)

    async def test_an_order_with_tags_and_three_lines_is_stored(self, arena: Arena) -> None:
        persistence = await arena.open()
        order, op_id = Order.place(uuid4(), uuid4(), LINES, TAGS), uuid4()
        await handle(
            persistence,
            PlaceOrder(order_id=order.id, account_id=order.account_id, lines=LINES, tags=TAGS),
            Attempt(op_id),
        )
        await assert_stored(arena, persistence, order, op_id)

    async def test_an_order_without_tags_is_stored(self, arena: Arena) -> None:
        persistence = await arena.open()
        order, op_id = Order.place(uuid4(), uuid4(), LINES[:1]), uuid4()
        await handle(
            persistence,
            PlaceOrder(order_id=order.id, account_id=order.account_id, lines=LINES[:1]),
            Attempt(op_id),
        )
        await assert_stored(arena, persistence, order, op_id)

    async def test_a_line_that_is_added_is_stored(self, arena: Arena) -> None:
        persistence = await arena.open()
        order, op_id = await new_order(persistence), uuid4()
        line = OrderLine(4, "spoon", 6, 250)
        await handle(persistence, AddOrderLine(order_id=order.id, line=line), Attempt(op_id))
        order.add_line(line)
        await assert_stored(arena, persistence, order, op_id)

    async def test_a_line_that_is_amended_is_stored(self, arena: Arena) -> None:
        persistence = await arena.open()
        order, op_id = await new_order(persistence), uuid4()
        command = AmendOrderLine(order_id=order.id, line_no=2, quantity=9)
        await handle(persistence, command, Attempt(op_id))
        order.amend_line(2, 9)
        await assert_stored(arena, persistence, order, op_id)

    async def test_a_line_that_is_removed_is_gone(self, arena: Arena) -> None:
        persistence = await arena.open()
        order, op_id = await new_order(persistence), uuid4()
        command = AmendOrderLine(order_id=order.id, line_no=2, quantity=0)
        await handle(persistence, command, Attempt(op_id))
        order.amend_line(2, 0)
        await assert_stored(arena, persistence, order, op_id)

    async def test_an_order_that_is_confirmed_is_stored(self, arena: Arena) -> None:
        persistence = await arena.open()
        order, op_id = await new_order(persistence), uuid4()
        await handle(persistence, ConfirmOrder(order_id=order.id), Attempt(op_id))
        order.confirm()
        await assert_stored(arena, persistence, order, op_id)

    async def test_an_order_that_is_cancelled_is_stored(self, arena: Arena) -> None:
        persistence = await arena.open()
        order, op_id = await new_order(persistence), uuid4()
        await handle(persistence, CancelOrder(order_id=order.id), Attempt(op_id))
        order.cancel()
        await assert_stored(arena, persistence, order, op_id)

    async def test_lines_are_added_changed_and_removed_in_one_unit_of_work(
        self, arena: Arena
    ) -> None:
        persistence = await arena.open()
        lines = tuple(OrderLine(number, f"sku-{number}", 1, 100) for number in range(1, 7))
        expected = await new_order(persistence, lines)
        unit = persistence.unit_of_work(attempt := Attempt(uuid4()))
        async with unit:
            order = await unit.orders.get(expected.id)
            _rearrange(order)
            await unit.orders.save(order)
            await unit.commit()
        _rearrange(expected)
        await assert_stored(arena, persistence, expected, attempt.op_id)

    async def test_an_order_is_stored_rightly_when_another_one_was_read_after_it(
        self, arena: Arena
    ) -> None:
        persistence = await arena.open()
        expected = await new_order(persistence)
        # Its lines are what those of the first order will become.
        other = await new_order(persistence, (LINES[0], OrderLine(2, LINES[1].sku, 5, 1_299)))
        unit = persistence.unit_of_work(attempt := Attempt(uuid4()))
        async with unit:
            order = await unit.orders.get(expected.id)
            await unit.orders.get(other.id)
            order.amend_line(2, 5)
            await unit.orders.save(order)
            await unit.commit()
        expected.amend_line(2, 5)
        await assert_stored(arena, persistence, expected, attempt.op_id)
        await assert_state(arena, persistence, other)


def _rearrange(order: Order) -> None:
    order.amend_line(1, 5)
    order.amend_line(2, 7)
    order.amend_line(3, 0)
    order.amend_line(4, 0)
    order.add_line(OrderLine(8, "sku-8", 2, 30))
    order.add_line(OrderLine(9, "sku-9", 2, 40))
