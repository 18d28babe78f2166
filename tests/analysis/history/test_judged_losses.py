"""What is lost in a failover is counted from both sides, and has to agree."""

from __future__ import annotations

import pytest
from tests.analysis.history.shop import (
    ACCOUNT,
    COMMITTED,
    HELD,
    LOST,
    ORDERED,
    Shop,
    convicted,
    sound,
)

from outboxbench.analysis.history.judgement import judge as judge_history
from outboxbench.results.history import DeliveryLine, FaultLine
from outboxbench.results.loss import Loss


def _fail_over(shop: Shop, *, hold: bool = True, acknowledged: bool = True) -> str:
    """Lose the latest commit, which was delivered; its version is given out again."""
    lost = shop.attempt("ok" if acknowledged else "indeterminate").op_id
    version = shop.versions["account", ACCOUNT] + 1
    shop.deliveries.append(DeliveryLine(lost, 0, ACCOUNT, version + 1, 8))
    evidence = {"pids_gone": [7], "lost_op_ids": [lost] if hold else []}
    shop.faults.append(FaultLine(2, "failover-async", 5, 6, 7, evidence))
    shop.charge()
    return lost


@pytest.mark.parametrize("lines_per_pass", [2, 1_000])
def test_a_loss_is_found_exactly_and_spoils_no_other_check(lines_per_pass: int) -> None:
    shop = sound()
    lost = _fail_over(shop)
    judgement = judge_history(shop.lines, lines_per_pass)
    assert convicted(shop, lines_per_pass) == {LOST}
    assert judgement.loss == Loss(
        operations=1, op_ids=(lost,), left_behind=1, left_behind_acknowledged=1
    )
    (delivered,) = (check for check in judgement.checks if check.name == COMMITTED)
    assert "beside 1 of commits that a failover has undone" in delivered.detail


def test_what_was_left_behind_without_a_word_to_anybody_is_no_loss() -> None:
    shop = sound()
    _fail_over(shop, acknowledged=False)
    assert convicted(shop) == set()
    assert judge_history(shop.lines).loss == Loss(
        operations=0, left_behind=1, left_behind_acknowledged=0
    )


def test_a_loss_that_no_former_primary_knows_of_is_convicted() -> None:
    shop = sound()
    _fail_over(shop, hold=False)
    # Nor is it known then that what was delivered of it had been committed.
    assert convicted(shop) == {LOST, HELD, COMMITTED, ORDERED}


def test_what_a_former_primary_alone_knows_to_be_lost_is_convicted() -> None:
    shop = sound()
    kept = shop.charge()
    shop.faults.append(FaultLine(2, "failover-async", 5, 6, 7, {"lost_op_ids": [kept]}))
    shop.deliveries = [each for each in shop.deliveries if each.op_id != kept]
    assert HELD in convicted(shop)


def test_a_block_without_a_failover_has_nothing_left_behind() -> None:
    assert judge_history(sound().lines).loss == Loss()
