"""Money in accounts: no cent appears or vanishes, whatever is asked in whatever order."""

from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outboxbench.core.domain.aggregate import Refused
from outboxbench.core.domain.payments import (
    Account,
    AccountCharged,
    AccountOpened,
    ChargeRejected,
    Deposited,
)

AMOUNTS_CENTS = st.integers(min_value=1, max_value=10**15)
REQUESTS = st.lists(st.tuples(st.sampled_from(["deposit", "charge"]), AMOUNTS_CENTS))


@given(REQUESTS)
def test_the_balance_is_what_was_deposited_less_what_was_charged(
    requests: list[tuple[str, int]],
) -> None:
    account = Account.open(uuid4())
    for request, amount_cents in requests:
        _apply(account, request, amount_cents)
        assert account.balance_cents >= 0
    deposited = sum(e.amount_cents for e in account.events if isinstance(e, Deposited))
    charged = sum(e.amount_cents for e in account.events if isinstance(e, AccountCharged))
    assert account.balance_cents == deposited - charged


@given(st.integers(min_value=0, max_value=10**15), AMOUNTS_CENTS)
def test_a_charge_is_rejected_exactly_when_the_balance_does_not_cover_it(
    balance_cents: int, amount_cents: int
) -> None:
    account, order_id = Account(uuid4(), balance_cents, version=4), uuid4()
    account.charge(order_id, amount_cents)
    (event,) = account.events
    if amount_cents <= balance_cents:
        assert event == AccountCharged(
            aggregate_id=account.id,
            version=5,
            order_id=order_id,
            amount_cents=amount_cents,
            balance_cents=balance_cents - amount_cents,
        )
    else:
        assert event == ChargeRejected(
            aggregate_id=account.id,
            version=5,
            order_id=order_id,
            amount_cents=amount_cents,
            balance_cents=balance_cents,
        )
    assert account.balance_cents == event.balance_cents


@given(REQUESTS)
def test_every_command_raises_exactly_one_event(requests: list[tuple[str, int]]) -> None:
    account = Account.open(uuid4())
    assert [type(event) for event in account.take_events()] == [AccountOpened]
    for request, amount_cents in requests:
        _apply(account, request, amount_cents)
        assert len(account.take_events()) == 1


@pytest.mark.parametrize("request_", ["deposit", "charge"])
@given(amount_cents=st.integers(max_value=0))
def test_an_amount_that_is_not_positive_is_refused_and_changes_nothing(
    request_: str, amount_cents: int
) -> None:
    account = Account(uuid4(), balance_cents=100, version=1)
    with pytest.raises(Refused, match="must be positive"):
        _apply(account, request_, amount_cents)
    assert (account.balance_cents, account.events) == (100, ())


def _apply(account: Account, request: str, amount_cents: int) -> None:
    if request == "deposit":
        account.deposit(amount_cents)
    else:
        account.charge(UUID(int=1), amount_cents)
