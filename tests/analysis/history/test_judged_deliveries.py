"""Deliveries are judged by what was committed, and relays by what they settle too late."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.analysis.history.shop import (
    ACCOUNT,
    ALL,
    COMMITTED,
    DELIVERED,
    FENCED,
    ONCE,
    ORDERED,
    Shop,
    check_of,
    convicted,
    each_way,
    op_id,
    sound,
)

from outboxbench.analysis.history.judgement import judge as judge_history
from outboxbench.results.history import DeliveryLine, FaultLine, Header, RelayLine

if TYPE_CHECKING:
    from collections.abc import Callable

    from outboxbench.results.history import HistoryLine


STILL_PID = 4711
"""Of the relay that stands still."""


def _deliver_not(shop: Shop) -> None:
    shop.deliveries.pop()


def _deliver_what_is_not_there(shop: Shop) -> None:
    shop.deliveries.append(DeliveryLine(op_id(7_777), 0, ACCOUNT, 99, 9))


def _deliver_out_of_order(shop: Shop) -> None:
    shop.charge()
    shop.charge()
    shop.deliveries[-2:] = reversed(shop.deliveries[-2:])


def _have_no_effect(shop: Shop) -> None:
    by = shop.attempt("ok", command="place", aggregate_id="0e" * 16, cents=0).op_id
    shop.store(by, ("order", "0e" * 16), topic="order.placed", audience=1, cents=None)


def _forget_the_inbox(shop: Shop) -> None:
    shop.place()
    shop.inbox.pop()


SPOILT = {
    _deliver_not: DELIVERED,
    _deliver_what_is_not_there: COMMITTED,
    _deliver_out_of_order: ORDERED,
    _have_no_effect: ONCE,
    _forget_the_inbox: ONCE,
}


@each_way(SPOILT.items())
@pytest.mark.parametrize("lines_per_pass", [2, 1_000])
def test_each_way_to_spoil_deliveries_is_convicted_by_its_own_check(
    spoil: Callable[[Shop], None], check: str, lines_per_pass: int
) -> None:
    shop = sound()
    spoil(shop)
    assert convicted(shop, lines_per_pass) == {check}


def test_duplicates_are_allowed_and_counted() -> None:
    shop = sound()
    shop.deliveries += shop.deliveries[:3]
    assert convicted(shop) == set()
    check = check_of(shop, ORDERED)
    assert "beside 3 duplicates" in check.detail


def test_deliveries_are_judged_only_where_a_relay_was_at_work() -> None:
    shop = sound()
    shop.is_relayed = False
    shop.deliveries.clear()
    assert convicted(shop) == set()


def _stand_still(
    shop: Shop,
    *,
    delivered_ns: int,
    late: int,
    told: int = 2,
    plan: str = "lease",
    killed: int | None = None,
) -> list[HistoryLine]:
    """Have a relay stand still with a message in hand; another delivers it at that moment."""
    held = shop.charge()
    evidence = {
        "pid_still": STILL_PID,
        "messages_held": [f"{held}/0", f"{op_id(6_666)}/0"],
        "still_until_ns": 50,
    }
    shop.faults.append(FaultLine(2, "relay-freeze", 18, 20, 51, evidence))
    if killed is not None:
        shop.faults.append(FaultLine(3, "relay-kill", 60, 61, 61, {"pid_gone": killed}))
    shop.deliveries[-1] = shop.deliveries[-1]._replace(delivered_ns=delivered_ns)
    lines = shop.lines()
    lines[0] = Header({"is_relayed": True, "relay_plan": plan, "relays": 2})
    tallies = [RelayLine(relay, 5, 0, 0, late * (relay == 0), 0) for relay in range(told)]
    # As a history has them: what relays told comes before the deliveries.
    place = lines.index(shop.faults[-1])
    return [*lines[: place + 1], *tallies, *lines[place + 1 :]]


@pytest.mark.parametrize(
    ("delivered_ns", "late", "told", "verdict"),
    [
        (30, 1, 2, "pass"),
        (30, 0, 2, "fail"),
        (30, 0, 1, "unknown"),
        (20, 0, 2, "pass"),
        (50, 0, 2, "pass"),
    ],
    ids=[
        "overtaken and refused",
        "overtaken and not refused",
        "the one that stood still tells nothing",
        "delivered before it stood still",
        "delivered once it went on",
    ],
)
@pytest.mark.parametrize("lines_per_pass", [2, 1_000])
def test_a_relay_that_was_overtaken_while_it_stood_still_has_to_be_refused(
    delivered_ns: int, late: int, told: int, verdict: str, lines_per_pass: int
) -> None:
    lines = _stand_still(sound(), delivered_ns=delivered_ns, late=late, told=told)
    verdicts = {
        check.name: check.verdict for check in judge_history(lambda: lines, lines_per_pass).checks
    }
    assert verdicts == dict.fromkeys(ALL, "pass") | {FENCED: verdict}


@pytest.mark.parametrize(
    ("killed", "verdict"), [(STILL_PID, "unknown"), (STILL_PID + 1, "fail")], ids=["it", "another"]
)
def test_a_relay_that_was_killed_after_it_stood_still_cannot_tell_what_it_was_refused(
    killed: int, verdict: str
) -> None:
    lines = _stand_still(sound(), delivered_ns=30, late=0, killed=killed)
    verdicts = {check.name: check.verdict for check in judge_history(lambda: lines).checks}
    assert verdicts[FENCED] == verdict


def test_relays_whose_token_outlives_a_claim_need_not_be_refused() -> None:
    lines = _stand_still(sound(), delivered_ns=30, late=0, plan="sharded")
    assert FENCED not in {check.name for check in judge_history(lambda: lines).checks}
