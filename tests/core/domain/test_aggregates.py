"""What every aggregate does with its version and its events."""

from __future__ import annotations

from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outboxbench.core.domain.aggregate import Aggregate
from outboxbench.core.domain.payments import Account, Deposited

AMOUNTS_CENTS = st.lists(st.integers(1, 1_000), max_size=8)


@given(AMOUNTS_CENTS, st.integers(0, 1_000))
def test_everything_is_raised_in_order_at_the_next_version(
    amounts_cents: list[int], version: int
) -> None:
    account = _account_with(amounts_cents, version)
    assert [e.amount_cents for e in account.events if isinstance(e, Deposited)] == amounts_cents
    assert {event.version for event in account.events} <= {version + 1}
    assert {event.aggregate_id for event in account.events} <= {account.id}
    assert account.version == version


@given(AMOUNTS_CENTS, AMOUNTS_CENTS)
def test_events_are_handed_over_once(earlier: list[int], later: list[int]) -> None:
    account = _account_with(earlier)
    raised = list(account.events)
    assert account.take_events() == raised
    assert account.events == ()
    assert account.take_events() == []
    for amount_cents in later:
        account.deposit(amount_cents)
    assert [e.amount_cents for e in account.take_events() if isinstance(e, Deposited)] == later


@given(st.lists(AMOUNTS_CENTS, max_size=4))
def test_events_of_several_aggregates_are_collected_in_their_order(groups: list[list[int]]) -> None:
    accounts = [_account_with(group) for group in groups]
    expected = [event for account in accounts for event in account.events]
    assert Aggregate.collect_events(accounts) == expected
    assert Aggregate.collect_events(accounts) == []


@pytest.mark.parametrize(
    ("aggregate_id", "version"), [(UUID(int=2), 1), (UUID(int=1), 0), (UUID(int=1), 2)]
)
def test_an_event_about_something_else_is_refused(aggregate_id: UUID, version: int) -> None:
    account = Account(UUID(int=1), balance_cents=0)
    event = Deposited(aggregate_id=aggregate_id, version=version, amount_cents=1, balance_cents=1)
    with pytest.raises(ValueError, match="on its way to version 1"):
        account.raise_event(event)
    assert account.events == ()


def _account_with(amounts_cents: list[int], version: int = 0) -> Account:
    account = Account(uuid4(), balance_cents=0, version=version)
    for amount_cents in amounts_cents:
        account.deposit(amount_cents)
    return account
