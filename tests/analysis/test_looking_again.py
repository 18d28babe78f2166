"""Looking again and again until it is decided, as a regression check does, does not err more often.

Simulated with normal noise through the code that decides: three strategies of three metrics each,
looked at after 6, 12, 24 and 48 rounds, and no more once nothing is left open.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import pytest
from tests.analysis.runs import arm, block

from outboxbench.analysis.comparison import REGRESSIONS, USUAL, compare_arms, inconclusive
from outboxbench.results.block import Counters, LatencyUs

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from outboxbench.results.comparison import Comparison
    from outboxbench.results.model import Arm

STRATEGIES = 3
LOOKS = (6, 12, 24, 48)
MARGIN = 0.05
SIGMA = 0.06
"""Of the logarithm of a ratio in one round: a shared machine, for CPU time."""


def side(name: str, factors: NDArray[np.float64]) -> Arm:
    """An arm whose throughput, median and CPU in each round are so many times the usual."""
    blocks = [
        block(
            number,
            1_000.0 / speed,
            latency_us=LatencyUs(samples=1_000, p50=1_000.0 * median),
            counters=Counters(client_cpu_us_per_op=300.0 * cpu),
        )
        for number, (speed, median, cpu) in enumerate(factors)
    ]
    return arm(name, blocks)


def decided(generator: np.random.Generator, effect: Sequence[float]) -> tuple[Comparison, ...]:
    """Compare as often as a check does, and return what it ends with."""
    shape = (STRATEGIES, LOOKS[-1], 3)
    logs = generator.normal(0.0, SIGMA, shape) + np.array([effect])
    found: tuple[Comparison, ...] = ()
    for look, rounds in enumerate(LOOKS, 1):
        pairs = [
            (
                side(f"{number}/base", np.ones((rounds, 3))),
                side(f"{number}/head", np.exp(logs[number, :rounds])),
            )
            for number in range(STRATEGIES)
        ]
        found = compare_arms(pairs, lambda _metric, _rounds: MARGIN, REGRESSIONS, look)
        if not inconclusive(found):
            break
    return found


def is_refused(found: Sequence[Comparison]) -> bool:
    return any(each.decision == "regression" and not each.is_advisory for each in found)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("effect", "most"), [(0.0, 0.005), (math.log1p(MARGIN), 0.05)], ids=["nothing", "the margin"]
)
def test_what_is_no_worse_than_the_margin_is_seldom_refused(effect: float, most: float) -> None:
    generator = np.random.default_rng(7)
    runs = 300

    refused = sum(is_refused(decided(generator, [effect] * 3)) for _ in range(runs))

    # Three binomial standard deviations above what is allowed.
    assert refused / runs <= most + 3 * math.sqrt(most * (1 - most) / runs)


def test_15_percent_more_cpu_alone_are_found_nine_times_of_ten() -> None:
    generator = np.random.default_rng(8)
    runs = 40

    found = sum(is_refused(decided(generator, [0.0, 0.0, math.log(1.15)])) for _ in range(runs))

    assert found >= 0.9 * runs


def test_each_look_may_err_half_as_often_as_the_one_before_and_all_no_more_than_one() -> None:
    alphas = [REGRESSIONS.alpha(look) for look in range(1, 40)]

    assert alphas[:3] == [0.025, 0.0125, 0.00625]
    assert sum(alphas) <= USUAL.alpha(1) == USUAL.alpha(2)


def test_all_pairs_of_a_check_are_one_question() -> None:
    noisy = np.random.default_rng(3).normal(0.08, 0.04, (6, 3))
    pair = (side("base", np.ones((6, 3))), side("head", np.exp(noisy)))
    others = [(side(f"{n}b", np.ones((6, 3))), side(f"{n}h", np.ones((6, 3)))) for n in range(5)]

    def p_values(*pairs: tuple[Arm, Arm]) -> list[float]:
        found = compare_arms(pairs, lambda _metric, _rounds: MARGIN, REGRESSIONS)
        return [each.p_value for each in found if each.head == "head" and not each.is_advisory]

    alone, among = p_values(pair), p_values(pair, *others)

    assert all(more > less for more, less in zip(among, alone, strict=True))


def test_cpu_decides_in_a_check_and_nowhere_else() -> None:
    pair = (side("base", np.ones((6, 3))), side("head", np.ones((6, 3))))

    def deciding(found: Sequence[Comparison]) -> set[str]:
        return {each.metric for each in found if not each.is_advisory}

    usual = compare_arms([pair], lambda _metric, _rounds: MARGIN)
    check = compare_arms([pair], lambda _metric, _rounds: MARGIN, REGRESSIONS)
    assert deciding(usual) == {"ok_per_s", "latency_p50"}
    assert deciding(check) == {"ok_per_s", "latency_p50", "client_cpu"}
