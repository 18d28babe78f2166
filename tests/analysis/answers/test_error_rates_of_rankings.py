"""How often a ranking is wrong where nobody is better than anybody, by seeded simulation."""

from __future__ import annotations

import numpy as np
import pytest

from outboxbench.analysis.answers.ranking import Contender, rank

TRIALS = 400
MARGIN = 0.05


def contenders(random: np.random.Generator, means: list[float], noise: float) -> list[Contender]:
    return [
        Contender(
            f"number {place:02d}",
            {
                str(number): float(value)
                for number, value in enumerate(random.normal(mean, noise, 5))
            },
        )
        for place, mean in enumerate(means)
    ]


@pytest.mark.parametrize("count", [2, 6, 12])
def test_chance_seldom_puts_anybody_first_or_behind(count: int) -> None:
    random = np.random.default_rng(count)
    wrong = 0
    for _ in range(TRIALS):
        # Noise that the margin does not hide.
        found = rank(contenders(random, [0.0] * count, noise=0.3), MARGIN)
        assert found is not None
        wrong += bool(found.behind)

    # 5% at most, and what 400 trials may show of that.
    assert wrong / TRIALS < 0.08


def test_who_leads_by_far_is_found_among_many() -> None:
    random = np.random.default_rng(7)
    for _ in range(50):
        found = rank(contenders(random, [0.0] * 11 + [0.5], noise=0.03), MARGIN)
        assert found is not None
        assert found.front == ("number 11",)


def test_who_is_far_behind_is_told_from_many_that_are_alike() -> None:
    random = np.random.default_rng(8)
    for _ in range(50):
        found = rank(contenders(random, [0.0] * 5 + [-1.0], noise=0.03), MARGIN)
        assert found is not None
        assert [rival.name for rival in found.behind] == ["number 05"]
