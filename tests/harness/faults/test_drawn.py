"""Faults in turns: which comes when is drawn, and every one of them comes."""

from __future__ import annotations

from itertools import islice

import pytest

from outboxbench.harness.faults.drawn import DrawnKinds, in_turns
from outboxbench.harness.faults.registry import FAULTS

KINDS = DrawnKinds(tuple(FAULTS[name] for name in ("reset", "stall", "deadlock", "worker-kill")))


def names(seed: str, count: int) -> list[str]:
    return [kind.name for kind in islice(in_turns(KINDS, seed), count)]


def test_the_same_seed_draws_the_same_order_and_another_seed_another() -> None:
    assert names("1", 40) == names("1", 40)
    assert names("1", 40) != names("2", 40)


def test_each_comes_once_before_any_comes_again() -> None:
    drawn = names("1", 40)
    every = sorted(kind.name for kind in KINDS.kinds)
    assert [sorted(drawn[place : place + 4]) for place in range(0, 40, 4)] == [every] * 10
    # Not in the same order each time.
    assert len({tuple(drawn[place : place + 4]) for place in range(0, 40, 4)}) > 1


def test_one_kind_alone_comes_again_and_again() -> None:
    assert set(islice(in_turns(FAULTS["reset"], "1"), 5)) == {FAULTS["reset"]}


@pytest.mark.parametrize(
    ("added", "reach", "needs_volume", "may_lose"),
    [
        ((), "connections", False, False),
        (("server-crash",), "server", False, True),
        (("disk-full",), "server", True, False),
    ],
)
def test_together_they_ask_for_all_that_one_of_them_asks_for(
    added: tuple[str, ...], reach: str, needs_volume: bool, may_lose: bool
) -> None:
    kinds = DrawnKinds((*KINDS.kinds, *(FAULTS[name] for name in added)))
    assert (kinds.name, kinds.reach, kinds.replication) == ("drawn", reach, None)
    assert kinds.needs_volume is needs_volume
    assert kinds.may_lose_commits(are_flushed=False) is may_lose
    assert not kinds.may_lose_commits(are_flushed=True)
