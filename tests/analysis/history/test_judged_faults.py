"""Faults are judged by their evidence, and what they cost by who should have paid."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.analysis.history.shop import (
    EFFECT,
    HEALED,
    Shop,
    check_of,
    convicted,
    each_way,
    judge,
    sound,
)

from outboxbench.results.history import FaultLine

if TYPE_CHECKING:
    from collections.abc import Callable


def _have_no_evidence(shop: Shop) -> None:
    shop.faults.append(FaultLine(2, "reset", 5, 6, 7, {}))


def _never_take_effect(shop: Shop) -> None:
    shop.faults.append(FaultLine(2, "reset", 5, None, 7, {"connections": 0}))


def _never_heal(shop: Shop) -> None:
    shop.faults.append(FaultLine(2, "reset", 5, 6, None, {"connections": 1}))


SPOILT = {
    _have_no_evidence: EFFECT,
    _never_take_effect: EFFECT,
    _never_heal: HEALED,
}


@each_way(SPOILT.items())
@pytest.mark.parametrize("lines_per_pass", [2, 1_000])
def test_each_way_to_spoil_faults_is_convicted_by_its_own_check(
    spoil: Callable[[Shop], None], check: str, lines_per_pass: int
) -> None:
    shop = sound()
    spoil(shop)
    assert convicted(shop, lines_per_pass) == {check}


def test_a_fault_without_evidence_is_unknown_and_not_failed() -> None:
    shop = sound()
    _have_no_evidence(shop)
    check = check_of(shop, EFFECT)
    assert (check.verdict, check.detail) == ("unknown", "no evidence of 2: reset")


def test_an_outage_of_the_broker_that_cost_an_attempt_is_convicted() -> None:
    name = "an outage of the broker costs no attempt"
    shop = sound()
    assert name not in {check.name for check in judge(shop)}
    shop.faults.append(FaultLine(2, "broker-down", 5, 6, 7, {"pid_gone": 3, "attempts_spent": 0}))
    assert convicted(shop) == set()
    assert name in {check.name for check in judge(shop)}
    shop.faults.append(FaultLine(3, "broker-down", 5, 6, 7, {"pid_gone": 3, "attempts_spent": 8}))
    assert convicted(shop) == {name}
