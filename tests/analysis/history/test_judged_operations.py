"""Operations and aggregates are judged by what the database holds of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.analysis.history.shop import (
    ACCOUNT,
    ALIEN,
    GAPS,
    LOST,
    MONEY,
    OTHER,
    SUCCEEDED,
    TORN,
    TWICE,
    UNDEAD,
    Shop,
    check_of,
    convicted,
    each_way,
    judge,
    op_id,
    sound,
)

if TYPE_CHECKING:
    from collections.abc import Callable


def _lose(shop: Shop) -> None:
    lost = shop.charge()
    shop.messages = [each for each in shop.messages if each.op_id != lost]
    shop.deliveries = [each for each in shop.deliveries if each.op_id != lost]
    shop.versions["account", ACCOUNT] -= 1
    shop.cents += 10


def _lose_a_recovered_one(shop: Shop) -> None:
    shop.attempt("indeterminate", final="ok_recovered")


def _raise_the_dead(shop: Shop) -> None:
    shop.store(shop.attempt("failed").op_id)


def _raise_the_skipped(shop: Shop) -> None:
    shop.store(shop.attempt(None, began_ns=None, final="skipped").op_id)


def _repeat_blindly(shop: Shop) -> None:
    first = shop.attempt("indeterminate", final=None)
    shop.store(first.op_id)
    again = shop.attempt("ok", 2, op_id=op_id(9_999))
    shop.store(again.op_id)


def _repeat_what_nobody_remembers(shop: Shop) -> None:
    shop.store(shop.charge())


def _invent(shop: Shop) -> None:
    shop.store(op_id(8_888))


def _tear(shop: Shop) -> None:
    by = shop.attempt("ok").op_id
    shop.store(by)
    shop.store(by, ordinal=2, cents=None)


def _spread(shop: Shop) -> None:
    by = shop.attempt("ok").op_id
    shop.store(by)
    shop.versions["account", ACCOUNT] += 1
    shop.messages.append(shop.messages[-1]._replace(ordinal=1, version=99, cents=None, audience=0))
    shop.messages[-1] = shop.messages[-1]._replace(version=shop.versions["account", ACCOUNT])


def _charge_something_else(shop: Shop) -> None:
    shop.store(shop.attempt("ok").op_id, cents=-11)


def _charge_somebody_else(shop: Shop) -> None:
    shop.store(shop.attempt("ok", aggregate_id="ab" * 16).op_id)


def _skip_a_version(shop: Shop) -> None:
    shop.charge()
    shop.versions["account", ACCOUNT] += 1
    shop.charge()


def _change_without_a_message(shop: Shop) -> None:
    shop.versions["account", ACCOUNT] += 1


def _orphan(shop: Shop) -> None:
    shop.store(shop.attempt("ok", aggregate_id="ab" * 16).op_id, ("account", "ab" * 16))
    del shop.versions["account", "ab" * 16]
    shop.cents += 10


def _lose_money(shop: Shop) -> None:
    shop.cents -= 1


SPOILT = {
    _lose: LOST,
    _lose_a_recovered_one: LOST,
    _raise_the_dead: UNDEAD,
    _raise_the_skipped: UNDEAD,
    _repeat_blindly: TWICE,
    _repeat_what_nobody_remembers: TWICE,
    _invent: ALIEN,
    _tear: TORN,
    _spread: TORN,
    _charge_something_else: OTHER,
    _charge_somebody_else: OTHER,
    _skip_a_version: GAPS,
    _change_without_a_message: GAPS,
    _orphan: GAPS,
    _lose_money: MONEY,
}


@each_way(SPOILT.items())
@pytest.mark.parametrize("lines_per_pass", [2, 1_000])
def test_each_way_to_spoil_operations_is_convicted_by_its_own_check(
    spoil: Callable[[Shop], None], check: str, lines_per_pass: int
) -> None:
    shop = sound()
    spoil(shop)
    assert convicted(shop, lines_per_pass) == {check}


def test_a_block_without_a_success_proves_nothing() -> None:
    shop = Shop(is_relayed=False)
    shop.attempt("failed")
    (check,) = (check for check in judge(shop) if check.verdict != "pass")
    assert (check.name, check.verdict) == (SUCCEEDED, "unknown")


@given(data=st.data(), lines_per_pass=st.integers(1, 60))
def test_no_message_can_be_lost_unnoticed(data: st.DataObject, lines_per_pass: int) -> None:
    shop = sound()
    position = data.draw(st.integers(0, len(shop.messages) - 1))
    del shop.messages[position]
    assert convicted(shop, lines_per_pass)


def test_the_first_few_that_are_wrong_are_named_and_all_are_counted() -> None:
    shop = sound()
    for _ in range(5):
        _lose_a_recovered_one(shop)
    check = check_of(shop, LOST)
    assert check.detail.startswith("5 of 9 are lost: ")
    assert check.detail.endswith(", …")
    assert check.detail.count(",") == 3
