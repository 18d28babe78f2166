from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.analysis.answers.made_up import closed_loop, rates_run, run_of, sentence, told

from outboxbench.analysis.answers import answers, caveat

if TYPE_CHECKING:
    from outboxbench.results.model import Arm

NAMES = ("asyncpg", "psycopg", "core-asyncpg", "orm-asyncpg", "asyncpg-single", "mine")

ok_per_s = st.floats(50.0, 20_000.0)
rates = st.lists(ok_per_s, min_size=2, max_size=6)


@st.composite
def tables(draw: st.DrawFn) -> list[Arm]:
    """Up to six strategies on one or both loops, of which some have not passed."""
    number = draw(st.integers(2, 4))
    names = draw(st.lists(st.sampled_from(NAMES), min_size=2, max_size=6, unique=True))
    lines = {name: draw(st.none() | st.integers(10, 2_000)) for name in names}
    return [
        closed_loop(
            name,
            draw(st.lists(ok_per_s, min_size=number, max_size=number)),
            loop=loop,
            verdict=draw(st.sampled_from(["pass", "pass", "pass", "fail", "unknown"])),
            source_lines=lines[name],
        )
        for name in names
        for loop in draw(st.sampled_from([("uvloop",), ("asyncio", "uvloop")]))
    ]


@given(arms=tables())
@settings(max_examples=60, deadline=None)
def test_who_has_not_passed_is_in_no_answer(arms: list[Arm]) -> None:
    out = {arm.strategy for arm in arms if arm.verdict != "pass"}
    run = run_of(arms, verdict="fail" if out else "pass")

    doubt = caveat(run)
    assert not out or (doubt is not None and "Not all of them" in doubt.sentence)
    for each in answers(run):
        assert not out & set(re.findall(r"[a-z]+(?:-[a-z]+)*", each.sentence))


@given(arms=tables(), data=st.data())
@settings(max_examples=40, deadline=None)
def test_the_order_of_arms_changes_nothing(arms: list[Arm], data: st.DataObject) -> None:
    shuffled = data.draw(st.permutations(arms))
    run = run_of(arms)

    assert answers(run.model_copy(update={"arms": tuple(shuffled)})) == answers(run)


@given(data=st.data())
@settings(max_examples=20, deadline=None)
def test_the_order_of_arms_changes_nothing_across_a_network(data: st.DataObject) -> None:
    arms = [
        closed_loop(
            name,
            data.draw(st.lists(ok_per_s, min_size=2, max_size=2)),
            loop=loop,
            workload=workload,
            settings={"clients": 8, "network_rtt_ms": distance_ms},
        )
        for name in ("asyncpg", "mine")
        for loop in ("asyncio", "uvloop")
        for workload in ("charge", "place")
        for distance_ms in (0.0, 2.0)
    ]
    shuffled = data.draw(st.permutations(arms))

    assert answers(run_of(shuffled)) == answers(run_of(arms))


@given(values=rates, names=st.lists(st.sampled_from(NAMES), min_size=2, unique=True))
@settings(max_examples=40, deadline=None)
def test_equal_arms_cannot_be_told_apart(values: list[float], names: list[str]) -> None:
    told_of = sentence(rates_run(dict.fromkeys(names, values)), "throughput")

    assert "cannot be told apart here" in told_of
    assert "the next" not in told_of


@given(
    seed=st.integers(0, 2**32 - 1),
    number=st.integers(5, 12),
    noise=st.floats(0.001, 0.05),
)
@settings(max_examples=40, deadline=None)
def test_who_does_twice_as_much_is_named_with_two_within_the_interval(
    seed: int, number: int, noise: float
) -> None:
    random = np.random.default_rng(seed)
    drift = random.normal(0, 0.3, number)
    spread = random.normal(0, noise, number)
    # The noise has no mean here: that an interval misses the truth now and then is its nature.
    centred = spread - spread.mean()
    slow = [1000 * math.exp(each) for each in drift]
    fast = [2000 * math.exp(each + own) for each, own in zip(drift, centred, strict=True)]

    told_of = sentence(rates_run({"asyncpg": slow, "mine": fast}), "throughput")

    assert told_of.startswith("mine: ")
    [(ratio, low, high)] = re.findall(r"([\d.]+) \[([\d.]+), ([\d.]+)\] times as much", told_of)
    assert float(ratio) == 2.0
    assert float(low) <= 2.0 <= float(high)


@given(arms=tables())
@settings(max_examples=40, deadline=None)
def test_a_winner_leads_everybody_that_it_was_measured_beside(arms: list[Arm]) -> None:
    answer = told(run_of(arms), "throughput")
    if answer is None or " times as much as the next" not in answer.sentence:
        return
    winner = answer.sentence.partition(":")[0]
    loop = "uvloop" if "uvloop" in answer.grounds else "asyncio"
    of_loop = {arm.strategy: arm for arm in arms if arm.loop == loop and arm.verdict == "pass"}

    def mean_log(name: str) -> float:
        values = [math.log(block.ok_per_s) for block in of_loop[name].blocks]
        return sum(values) / len(values)

    trusted = of_loop.keys() - {arm.strategy for arm in arms if arm.verdict != "pass"}
    assert all(
        mean_log(winner) >= mean_log(name) + math.log(1.05) - 1e-9 for name in trusted - {winner}
    )


@given(arms=tables())
@settings(max_examples=40, deadline=None)
def test_figures_have_three_digits_at_most(arms: list[Arm]) -> None:
    for answer in answers(run_of(arms)):
        for figure in re.findall(r"\d[\d,]*(?:\.\d+)?", answer.sentence):
            digits = figure.replace(",", "").replace(".", "").strip("0")
            assert len(digits) <= 3, answer.sentence
