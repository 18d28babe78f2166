"""Rounds are measured in a random order in which what is compared stays together."""

from __future__ import annotations

from collections import Counter
from itertools import groupby
from random import Random

from outboxbench.harness.suite.order import random_rounds

ARMS = ("a1", "a2", "a3", "b1", "b2", "c1")
ROUNDS = 600


def rounds(seed: int = 1) -> tuple[tuple[str, ...], ...]:
    return random_rounds(ARMS, lambda arm: arm[0], ROUNDS, Random(seed))


def test_every_round_has_each_arm_once_and_each_table_in_one_piece() -> None:
    for order in rounds():
        assert sorted(order) == sorted(ARMS)
        assert len([table for table, _ in groupby(order, key=lambda arm: arm[0])]) == 3


def test_every_arm_comes_as_often_at_each_place_of_its_table() -> None:
    places = Counter(
        (arm, place)
        for order in rounds()
        for place, arm in enumerate(arm for arm in order if arm[0] == "a")
    )

    assert len(places) == 9
    # Within five standard deviations of a third.
    assert all(abs(count - ROUNDS / 3) < 5 * (ROUNDS * 2 / 9) ** 0.5 for count in places.values())


def test_every_table_comes_as_often_at_each_place() -> None:
    places = Counter(
        (table, place)
        for order in rounds()
        for place, (table, _) in enumerate(groupby(order, key=lambda arm: arm[0]))
    )

    assert len(places) == 9
    assert all(abs(count - ROUNDS / 3) < 5 * (ROUNDS * 2 / 9) ** 0.5 for count in places.values())


def test_the_order_is_a_function_of_what_draws_it() -> None:
    assert rounds(1) == rounds(1)
    assert rounds(1) != rounds(2)
