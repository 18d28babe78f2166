"""The bus: which handlers a message reaches, in which order, and under which op_id."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar
from uuid import UUID, uuid4, uuid5

import pytest

from outboxbench.core.application.bootstrap import bootstrap
from outboxbench.core.application.message_bus import MessageBus, NoHandler, StopHandling
from outboxbench.core.application.outcome import Attempt
from outboxbench.core.domain.message import Audience, Command, Message, State
from outboxbench.core.domain.order_events import OrderPlaced
from outboxbench.core.domain.ordering import (
    OrderLine,
    OrderStatus,
    PlaceOrder,
)
from outboxbench.core.domain.payments import (
    AccountCharged,
    ChargeRejected,
    Deposit,
    OpenAccount,
)
from outboxbench.core.strategies.memory.persistence import MemoryPersistence
from outboxbench.testing import MemoryArena

if TYPE_CHECKING:
    from collections.abc import Sequence

    from outboxbench.core.application.message_bus import EventHandler
    from outboxbench.core.application.ports import UnitOfWork


@dataclass(frozen=True, slots=True, kw_only=True)
class Do(Command):
    what: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Happened(Message):
    topic: ClassVar[str] = "test.happened"
    audience: ClassVar[Audience] = Audience.INTERNAL

    what: str = "it"

    def state(self) -> State:
        return {"what": self.what}


HAPPENED = Happened(aggregate_id=UUID(int=1), version=1)


class Diary:
    """Handlers that note what reaches them."""

    def __init__(self) -> None:
        self.done: list[str] = []
        self.op_ids: list[UUID] = []

    def bus(self, *event_handlers: EventHandler) -> MessageBus:
        return MessageBus(self._unit_of_work, {Do: self._do}, {Happened: event_handlers})

    async def _do(self, command: Do, _: UnitOfWork) -> None:
        self.done.append(command.what)

    def _unit_of_work(self, attempt: Attempt) -> UnitOfWork:
        self.op_ids.append(attempt.op_id)
        return MemoryPersistence().unit_of_work(attempt)


def answers(*messages: Command | Message) -> EventHandler:
    async def answer(_: Any) -> Sequence[Command | Message]:
        return messages

    return answer


async def stops(_: Any) -> Sequence[Command | Message]:
    raise StopHandling


async def fails(_: Any) -> Sequence[Command | Message]:
    raise RuntimeError("the handler is broken")


async def test_a_command_reaches_its_handler_under_the_op_id_of_its_attempt() -> None:
    diary, op_id = Diary(), uuid4()
    await diary.bus().handle(Do(what="a"), Attempt(op_id))
    assert (diary.done, diary.op_ids) == (["a"], [op_id])


async def test_a_command_that_nobody_handles_is_refused() -> None:
    with pytest.raises(NoHandler, match="OpenAccount"):
        await Diary().bus().handle(OpenAccount(account_id=uuid4()), Attempt(uuid4()))


async def test_an_event_that_nobody_handles_is_no_error() -> None:
    await Diary().bus().handle(HAPPENED, Attempt(uuid4()))


async def test_an_event_reaches_every_handler_in_order() -> None:
    diary = Diary()
    bus = diary.bus(answers(Do(what="a")), answers(Do(what="b"), Do(what="c")))
    await bus.handle(HAPPENED, Attempt(uuid4()))
    assert diary.done == ["a", "b", "c"]


async def test_answers_are_handled_until_nothing_is_left() -> None:
    diary = Diary()

    async def count_down(event: Happened) -> Sequence[Command | Message]:
        left = int(event.what)
        again = [Happened(aggregate_id=UUID(int=1), version=1, what=str(left - 1))] if left else []
        return [Do(what=event.what), *again]

    start = Happened(aggregate_id=UUID(int=1), version=1, what="3")
    await diary.bus(count_down).handle(start, Attempt(uuid4()))
    assert diary.done == ["3", "2", "1", "0"]


async def test_a_handler_can_stop_those_after_it_and_keeps_what_came_before() -> None:
    diary = Diary()
    bus = diary.bus(answers(Do(what="a")), stops, answers(Do(what="never")))
    await bus.handle(HAPPENED, Attempt(uuid4()))
    assert diary.done == ["a"]


async def test_an_event_handler_that_fails_is_never_swallowed() -> None:
    diary = Diary()
    bus = diary.bus(answers(Do(what="a")), fails)
    with pytest.raises(RuntimeError, match="the handler is broken"):
        await bus.handle(HAPPENED, Attempt(uuid4()))
    assert diary.done == []


async def test_after_a_command_that_fails_what_still_waited_is_not_handled() -> None:
    diary = Diary()
    unknown = Deposit(account_id=uuid4(), amount_cents=1)
    bus = diary.bus(answers(Do(what="a"), unknown, Do(what="never")))
    with pytest.raises(NoHandler):
        await bus.handle(HAPPENED, Attempt(uuid4()))
    assert diary.done == ["a"]


async def test_op_ids_of_what_follows_are_the_same_at_every_repetition() -> None:
    op_id = uuid4()
    first, repeated = Diary(), Diary()
    for diary in (first, repeated):
        bus = diary.bus(answers(Do(what="a"), Do(what="b")), answers(Do(what="c")))
        await bus.handle(HAPPENED, Attempt(op_id))
    assert first.op_ids == repeated.op_ids == [uuid5(op_id, str(number)) for number in range(3)]


async def test_op_ids_of_what_follows_from_different_messages_differ() -> None:
    diary = Diary()
    bus = diary.bus(answers(Do(what="a")))
    await bus.handle(HAPPENED, Attempt(uuid4()))
    await bus.handle(HAPPENED, Attempt(uuid4()))
    assert len(set(diary.op_ids)) == 2


@pytest.mark.parametrize(
    ("deposited_cents", "answer", "status"),
    [
        (1_000, AccountCharged, OrderStatus.CONFIRMED),
        (899, ChargeRejected, OrderStatus.CANCELLED),
    ],
)
async def test_an_order_is_confirmed_or_cancelled_by_what_becomes_of_its_charge(
    deposited_cents: int,
    answer: type[AccountCharged | ChargeRejected],
    status: OrderStatus,
) -> None:
    arena = MemoryArena()
    memory = await arena.open()
    bus = bootstrap(memory)
    order_id, account_id = uuid4(), uuid4()
    lines = (OrderLine(1, "tea", 2, 450),)
    for command in (
        OpenAccount(account_id=account_id),
        Deposit(account_id=account_id, amount_cents=deposited_cents),
        PlaceOrder(order_id=order_id, account_id=account_id, lines=lines),
    ):
        await bus.handle(command, Attempt(uuid4()))
    # What a relay does: every stored message that is for us, in the order of its commit.
    await bus.handle(_stored(memory, OrderPlaced), Attempt(uuid4()))
    await bus.handle(_stored(memory, answer), Attempt(uuid4()))
    order, account = await arena.order(order_id), await arena.account(account_id)
    assert order is not None
    assert account is not None
    assert order.status == status.value
    paid_cents = order.total_cents if status is OrderStatus.CONFIRMED else 0
    assert account.balance_cents == deposited_cents - paid_cents


def _stored(memory: MemoryPersistence, kind: type[Message]) -> Message:
    (message,) = (each.message for each in memory.tables.messages if isinstance(each.message, kind))
    return message
