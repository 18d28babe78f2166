"""What it costs to write messages down, and to read them back."""

from __future__ import annotations

from time import process_time
from typing import TYPE_CHECKING
from uuid import UUID

import pytest

from outboxbench.core.application.internal_delivery import decode
from outboxbench.core.application.outbox import OutboxMessage
from outboxbench.core.application.unit_of_work import Change
from outboxbench.core.domain.order_events import OrderPlaced
from outboxbench.core.domain.ordering import Order, OrderLine
from outboxbench.core.strategies import rows

if TYPE_CHECKING:
    from pytest_benchmark.fixture import BenchmarkFixture

pytestmark = [
    pytest.mark.benchmark(group="serialisation", timer=process_time),
    pytest.mark.in_baseline,
]

ACCOUNT, ORDER, OPERATION = UUID(int=1), UUID(int=2), UUID(int=3)
LINES = tuple(OrderLine(number, f"sku-{number}", number, 1_000) for number in range(1, 4))
PLACED = OrderPlaced(aggregate_id=ORDER, version=1, account_id=ACCOUNT, total_cents=14_000)


def test_encode_messages(benchmark: BenchmarkFixture) -> None:
    order = Order.place(ORDER, ACCOUNT, LINES)
    change = Change(order, is_new=True, messages=order.take_events(), op_id=OPERATION)

    assert len(benchmark(rows.encode_states, change)) == 2


def test_rows_of_messages(benchmark: BenchmarkFixture) -> None:
    order = Order.place(ORDER, ACCOUNT, LINES)
    change = Change(order, is_new=True, messages=order.take_events(), op_id=OPERATION)

    assert len(benchmark(rows.message_rows, change)) == 2


def test_decode_message(benchmark: BenchmarkFixture) -> None:
    stored = OutboxMessage(
        op_id=OPERATION,
        ordinal=0,
        aggregate_type=Order.aggregate_type,
        aggregate_id=ORDER,
        version=1,
        topic=OrderPlaced.topic,
        audience=OrderPlaced.audience.value,
        state=rows.encode_state(PLACED.state()),
    )

    assert benchmark(decode, stored, {OrderPlaced.topic: OrderPlaced}) == PLACED
