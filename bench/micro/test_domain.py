"""What the domain costs by itself: raising events, and taking them."""

from __future__ import annotations

from time import process_time
from typing import TYPE_CHECKING
from uuid import UUID

import pytest

from outboxbench.core.domain.aggregate import Aggregate
from outboxbench.core.domain.ordering import Order, OrderLine
from outboxbench.core.domain.payments import Account, Deposited

if TYPE_CHECKING:
    from pytest_benchmark.fixture import BenchmarkFixture

    from outboxbench.core.domain.message import Message

pytestmark = [pytest.mark.benchmark(group="domain", timer=process_time), pytest.mark.in_baseline]

EVENTS = 100
ACCOUNT, ORDER = UUID(int=1), UUID(int=2)
LINES = tuple(OrderLine(number, f"sku-{number}", number, 1_000) for number in range(1, 4))


def test_raise_events(benchmark: BenchmarkFixture) -> None:
    event = Deposited(aggregate_id=ACCOUNT, version=1, amount_cents=5, balance_cents=5)

    def raise_events() -> Account:
        account = Account(ACCOUNT, balance_cents=0)
        for _ in range(EVENTS):
            account.raise_event(event)
        return account

    assert len(benchmark(raise_events).events) == EVENTS


def test_take_events(benchmark: BenchmarkFixture) -> None:
    accounts = [Account(UUID(int=number), balance_cents=0) for number in range(EVENTS)]

    def raise_and_collect() -> list[Message]:
        for account in accounts:
            account.deposit(5)
        return Aggregate.collect_events(accounts)

    assert len(benchmark(raise_and_collect)) == EVENTS


def test_charge_an_account(benchmark: BenchmarkFixture) -> None:
    def charge() -> list[Message]:
        account = Account(ACCOUNT, balance_cents=100)
        account.charge(ORDER, 5)
        return account.take_events()

    assert len(benchmark(charge)) == 1


def test_place_an_order(benchmark: BenchmarkFixture) -> None:
    def place() -> list[Message]:
        return Order.place(ORDER, ACCOUNT, LINES, ("web",)).take_events()

    assert len(benchmark(place)) == 2
