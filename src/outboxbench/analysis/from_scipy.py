"""What is taken from scipy, imported when it is first asked for.

The import takes longer than most commands of the command line do, and few of them come to it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


def t_probability(degrees: float, value: float) -> float:
    """Return how probable a value of Student's t up to this one is."""
    from scipy.special import stdtr

    return float(stdtr(degrees, value))


def t_quantile(degrees: float, probability: float) -> float:
    """Return the value of Student's t that is not exceeded with this probability."""
    from scipy.special import stdtrit

    return float(stdtrit(degrees, probability))


def rank_correlation(pairs: Sequence[tuple[float, float]]) -> float:
    """Return Spearman's coefficient; NaN where one side does not differ."""
    from scipy.stats import spearmanr

    return float(spearmanr(pairs).statistic)


def median_slope(values: Sequence[float], moments: Sequence[float]) -> float:
    """Return the median of the slopes of all pairs of points (Theil and Sen)."""
    from scipy.stats import theilslopes

    return float(theilslopes(values, moments).slope)
