"""When a comparison may speak: a difference, no difference, or not enough to tell."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from outboxbench.analysis.from_scipy import t_probability

if TYPE_CHECKING:
    from collections.abc import Sequence

    from outboxbench.analysis.intervals import MeanLogRatio
    from outboxbench.results.comparison import Decision

MIN_MARGIN = 0.05
"""Effects up to this share count as none on any machine, however quiet."""

ALPHA = 0.05
"""How often, at most, an effect as large as the margin is taken for a larger one."""


def excess_p_value(mean: MeanLogRatio, margin: float) -> float:
    """p-value of the one-sided t-test that the effect, in the direction seen, is within the margin.

    A margin of 0.05 reaches from a ratio of 1 / 1.05 to one of 1.05: as far to either side in
    logarithms. Since the direction is the one seen, a p-value speaks for that direction alone:
    `regression` and `improvement` have an error rate of ALPHA each.
    """
    excess = abs(mean.value) - math.log1p(margin)
    if mean.standard_error == 0:
        return 0.0 if excess > 0 else 1.0
    return t_probability(mean.degrees, -excess / mean.standard_error)


def holm(p_values: Sequence[float]) -> list[float]:
    """Adjust p-values for their number by Holm's method, in the order given.

    Where those below ALPHA are believed, the chance that any is wrong stays below ALPHA, whatever
    depends on whatever else.
    """
    adjusted = [0.0] * len(p_values)
    highest = 0.0
    for rank, index in enumerate(sorted(range(len(p_values)), key=p_values.__getitem__)):
        highest = max(highest, min(1.0, (len(p_values) - rank) * p_values[index]))
        adjusted[index] = highest
    return adjusted


def decide(
    mean: MeanLogRatio,
    margin: float,
    adjusted_p: float,
    alpha: float = ALPHA,
    *,
    higher_is_better: bool,
) -> Decision:
    """Judge head, given the p-value of `excess_p_value` after Holm's correction."""
    if adjusted_p < alpha:
        return "improvement" if (mean.value > 0) == higher_is_better else "regression"
    low, high = mean.bounds()
    limit = math.log1p(margin)
    return "same" if -limit <= low and high <= limit else "inconclusive"
