"""Messages: what they carry survives JSON, and every one says where it goes."""

from __future__ import annotations

import json
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outboxbench.core.domain import ordering, payments
from outboxbench.core.domain.message import Audience, Message
from outboxbench.core.domain.order_events import (
    OrderCancelled,
    OrderConfirmed,
    OrderLineAdded,
    OrderLineChanged,
    OrderLineRemoved,
    OrderPlaced,
    StockRequested,
)
from outboxbench.core.domain.ordering import OrderLine
from outboxbench.core.domain.payments import (
    AccountCharged,
    AccountOpened,
    ChargeRejected,
    Deposited,
)
from outboxbench.core.strategies.rows import encode_state

MESSAGES: dict[type[Message], tuple[str, Audience]] = {
    AccountOpened: ("account.opened", Audience.EXTERNAL),
    Deposited: ("account.deposited", Audience.NOBODY),
    AccountCharged: ("account.charged", Audience.INTERNAL),
    ChargeRejected: ("account.charge_rejected", Audience.INTERNAL),
    OrderPlaced: ("order.placed", Audience.EVERYBODY),
    StockRequested: ("order.stock_requested", Audience.EXTERNAL),
    OrderLineAdded: ("order.line_added", Audience.EXTERNAL),
    OrderLineChanged: ("order.line_changed", Audience.EXTERNAL),
    OrderLineRemoved: ("order.line_removed", Audience.EXTERNAL),
    OrderConfirmed: ("order.confirmed", Audience.EXTERNAL),
    OrderCancelled: ("order.cancelled", Audience.EXTERNAL),
}

# Beyond what a double can hold, since JSON is often read into one.
NUMBERS = st.integers(0, 2**62)
LINES = st.builds(OrderLine, NUMBERS, st.text(), NUMBERS, NUMBERS)

_of = partial(st.builds, aggregate_id=st.uuids(), version=NUMBERS)
_of_charge = partial(_of, order_id=st.uuids(), amount_cents=NUMBERS, balance_cents=NUMBERS)
ANY_MESSAGE: st.SearchStrategy[Message] = st.one_of(
    _of(AccountOpened),
    _of(Deposited, amount_cents=NUMBERS, balance_cents=NUMBERS),
    _of_charge(AccountCharged),
    _of_charge(ChargeRejected),
    _of(OrderPlaced, account_id=st.uuids(), total_cents=NUMBERS),
    _of(StockRequested, lines=st.lists(LINES).map(tuple)),
    _of(OrderLineAdded, line=LINES),
    _of(OrderLineChanged, line=LINES),
    _of(OrderLineRemoved, line=LINES),
    _of(OrderConfirmed, total_cents=NUMBERS),
    _of(OrderCancelled, total_cents=NUMBERS),
)


@given(ANY_MESSAGE)
def test_the_state_of_a_message_survives_json(message: Message) -> None:
    state = message.state()
    assert json.loads(encode_state(state)) == state


def test_every_message_has_a_topic_of_its_own_and_its_audience() -> None:
    assert {kind: (kind.topic, kind.audience) for kind in MESSAGES} == MESSAGES
    assert len({kind.topic for kind in MESSAGES}) == len(MESSAGES)


def test_no_kind_of_message_is_left_out_here() -> None:
    defined = {
        kind
        for module in (ordering, payments)
        for kind in vars(module).values()
        if isinstance(kind, type) and issubclass(kind, Message) and hasattr(kind, "topic")
    }
    assert defined == MESSAGES.keys()


@pytest.mark.parametrize(
    ("audience", "stored"),
    [
        (Audience.NOBODY, 0),
        (Audience.INTERNAL, 1),
        (Audience.EXTERNAL, 2),
        (Audience.EVERYBODY, 3),
    ],
)
def test_an_audience_is_stored_as_the_schema_says(audience: Audience, stored: int) -> None:
    assert audience.value == stored
