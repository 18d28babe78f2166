"""What a handler's failure says of its message: it is refused, held up, or nobody is there."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import uuid4

import pytest

from outboxbench.core.application.bootstrap import bootstrap, bootstrap_delivery
from outboxbench.core.application.delivery import HeldUp, MessageRefused, Unavailable
from outboxbench.core.application.outcome import Attempt, FailureKind, PersistenceError
from outboxbench.core.brokers.memory import MemoryBroker
from outboxbench.core.domain.ordering import OrderLine, PlaceOrder
from outboxbench.core.domain.payments import Deposit, OpenAccount
from outboxbench.core.strategies.memory.persistence import MemoryPersistence

if TYPE_CHECKING:
    from typing import NoReturn

    from outboxbench.core.application.outbox import OutboxMessage
    from outboxbench.core.application.ports import UnitOfWork

LINES = (OrderLine(1, "tea", 2, 450),)


class FailingUnits:
    """Every unit of work fails before it does anything."""

    def __init__(self, kind: FailureKind) -> None:
        self._kind = kind

    def unit_of_work(self, attempt: Attempt) -> UnitOfWork:
        del attempt
        self._fail()

    def _fail(self) -> NoReturn:
        raise PersistenceError("it fails", self._kind)


async def order_placed(memory: MemoryPersistence) -> OutboxMessage:
    """Place an order, and return the message that its charge follows from."""
    account_id, order_id = uuid4(), uuid4()
    bus = bootstrap(memory)
    for command in (
        OpenAccount(account_id=account_id),
        Deposit(account_id=account_id, amount_cents=900),
        PlaceOrder(order_id=order_id, account_id=account_id, lines=LINES),
    ):
        await bus.handle(command, Attempt(uuid4()))
    runs = await memory.outbox("lease", 10).claim(100)
    messages = [message for run in runs for message in run.messages]
    (placed,) = [message for message in messages if message.topic == "order.placed"]
    return placed


@pytest.mark.parametrize(
    ("kind", "meaning"),
    [
        (FailureKind.TIMEOUT, HeldUp),
        (FailureKind.DEADLOCK, HeldUp),
        (FailureKind.SERIALISATION, HeldUp),
        (FailureKind.VERSION_CONFLICT, HeldUp),
        (FailureKind.CONNECTION, Unavailable),
        (FailureKind.CONSTRAINT, MessageRefused),
        (FailureKind.OTHER, MessageRefused),
    ],
)
async def test_a_failure_to_commit_is_told_by_what_may_be_done_about_it(
    kind: FailureKind, meaning: type[Exception]
) -> None:
    memory = MemoryPersistence()
    message = await order_placed(memory)
    outbox = memory.outbox("lease", 10)
    delivery = bootstrap_delivery(FailingUnits(kind), outbox, MemoryBroker(), concurrency=1)

    with pytest.raises(meaning, match="it fails") as caught:
        await delivery.deliver(message)

    assert type(caught.value) is meaning
