"""What each command and each event leads to. One command is one unit of work."""

from __future__ import annotations

from typing import TYPE_CHECKING

from outboxbench.core.domain.order_events import OrderPlaced
from outboxbench.core.domain.ordering import (
    AddOrderLine,
    AmendOrderLine,
    CancelOrder,
    ConfirmOrder,
    Order,
    PlaceOrder,
)
from outboxbench.core.domain.payments import (
    Account,
    AccountCharged,
    ChargeAccount,
    ChargeRejected,
    Deposit,
    OpenAccount,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from uuid import UUID

    from outboxbench.core.application.message_bus import CommandHandler, EventHandler
    from outboxbench.core.application.ports import UnitOfWork
    from outboxbench.core.domain.message import Command, InternalMessage


async def open_account(command: OpenAccount, unit: UnitOfWork) -> None:
    """Open an account."""
    async with unit:
        await unit.accounts.add(Account.open(command.account_id))
        await unit.commit()


async def deposit(command: Deposit, unit: UnitOfWork) -> None:
    """Put money into an account."""
    await _change_account(
        unit, command.account_id, lambda account: account.deposit(command.amount_cents)
    )


async def charge_account(command: ChargeAccount, unit: UnitOfWork) -> None:
    """Charge an account, or reject the charge."""
    await _change_account(
        unit,
        command.account_id,
        lambda account: account.charge(command.order_id, command.amount_cents),
    )


async def place_order(command: PlaceOrder, unit: UnitOfWork) -> None:
    """Place an order."""
    async with unit:
        order = Order.place(command.order_id, command.account_id, command.lines, command.tags)
        await unit.orders.add(order)
        await unit.commit()


async def add_order_line(command: AddOrderLine, unit: UnitOfWork) -> None:
    """Add a line to an order."""
    await _change_order(unit, command.order_id, lambda order: order.add_line(command.line))


async def amend_order_line(command: AmendOrderLine, unit: UnitOfWork) -> None:
    """Change or remove a line of an order."""
    await _change_order(
        unit, command.order_id, lambda order: order.amend_line(command.line_no, command.quantity)
    )


async def confirm_order(command: ConfirmOrder, unit: UnitOfWork) -> None:
    """Accept an order that is paid for."""
    await _change_order(unit, command.order_id, Order.confirm)


async def cancel_order(command: CancelOrder, unit: UnitOfWork) -> None:
    """Give an order up."""
    await _change_order(unit, command.order_id, Order.cancel)


async def _change_account(unit: UnitOfWork, id: UUID, change: Callable[[Account], None]) -> None:
    async with unit:
        accounts = unit.accounts
        account = await accounts.get(id)
        change(account)
        await accounts.save(account)
        await unit.commit()


async def _change_order(unit: UnitOfWork, id: UUID, change: Callable[[Order], None]) -> None:
    async with unit:
        orders = unit.orders
        order = await orders.get(id)
        change(order)
        await orders.save(order)
        await unit.commit()


async def charge_for_order(event: OrderPlaced) -> Sequence[Command]:
    """An order that is placed has to be paid for."""
    return (
        ChargeAccount(
            account_id=event.account_id,
            order_id=event.aggregate_id,
            amount_cents=event.total_cents,
        ),
    )


async def confirm_paid_order(event: AccountCharged) -> Sequence[Command]:
    """An order that is paid for is accepted."""
    return (ConfirmOrder(order_id=event.order_id),)


async def cancel_unpaid_order(event: ChargeRejected) -> Sequence[Command]:
    """An order that cannot be paid for is given up."""
    return (CancelOrder(order_id=event.order_id),)


COMMAND_HANDLERS: Mapping[type[Command], CommandHandler] = {
    OpenAccount: open_account,
    Deposit: deposit,
    ChargeAccount: charge_account,
    PlaceOrder: place_order,
    AddOrderLine: add_order_line,
    AmendOrderLine: amend_order_line,
    ConfirmOrder: confirm_order,
    CancelOrder: cancel_order,
}

EVENT_HANDLERS: Mapping[type[InternalMessage], Sequence[EventHandler]] = {
    OrderPlaced: (charge_for_order,),
    AccountCharged: (confirm_paid_order,),
    ChargeRejected: (cancel_unpaid_order,),
}
