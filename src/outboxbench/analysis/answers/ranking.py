"""Who is first, who cannot be told from it, and who is behind: by intervals, not by medians."""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import fmean
from typing import TYPE_CHECKING

from outboxbench.analysis.comparison import MIN_ROUNDS
from outboxbench.analysis.decision import ALPHA, excess_p_value, holm
from outboxbench.analysis.intervals import Estimate, Paired

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from outboxbench.analysis.intervals import MeanLogRatio


@dataclass(frozen=True, slots=True)
class Contender:
    """One of several, and the logarithm of how good it was each time; higher is better.

    What has the same key was measured under the same circumstances: in the same round, say.
    """

    name: str
    logs: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Rival:
    """One that is not first; `lead` is how many times as good the first is.

    It is None where the two have too little in common for an interval.
    """

    name: str
    lead: Estimate | None
    is_behind: bool


@dataclass(frozen=True, slots=True)
class Ranking:
    """The first and its rivals, the closest ones first."""

    first: str
    rivals: tuple[Rival, ...]

    @property
    def front(self) -> tuple[str, ...]:
        """The first, and those that cannot be told from it."""
        return (self.first, *(rival.name for rival in self.tied))

    @property
    def tied(self) -> tuple[Rival, ...]:
        """Rivals that cannot be told from the first."""
        return tuple(rival for rival in self.rivals if not rival.is_behind)

    @property
    def behind(self) -> tuple[Rival, ...]:
        """Rivals that the first surely leads."""
        return tuple(rival for rival in self.rivals if rival.is_behind)


def rank(contenders: Sequence[Contender], margin: float) -> Ranking | None:
    """Rank those that were measured; None where there are not two of them.

    A rival is behind where its 95% interval excludes a tie and the lead is beyond the margin by the
    test that decides comparisons. Where that holds for every rival it needs no correction: whoever
    is wrongly said to be first would have to beat the true first, too. Else some of many rivals
    look bad by chance beside the luckiest, so the test is corrected by Holm over the rivals, and
    over all those that might have come first.
    """
    measured = [each for each in contenders if each.logs]
    if len(measured) < 2:
        return None
    first, *others = sorted(measured, key=lambda each: (-fmean(each.logs.values()), each.name))
    leads = [lead(first.logs, other.logs) for other in others]
    p_values = [1.0 if mean is None else excess_p_value(mean, margin) for mean in leads]
    if max(p_values) >= ALPHA or not all(map(_excludes_a_tie, leads)):
        p_values = [p_value * len(measured) for p_value in holm(p_values)]
    rivals = [
        Rival(
            name=other.name,
            lead=None if mean is None else mean.t_interval(),
            is_behind=p_value < ALPHA and _excludes_a_tie(mean),
        )
        for other, mean, p_value in zip(others, leads, p_values, strict=True)
    ]
    return Ranking(first.name, tuple(sorted(rivals, key=_closeness)))


def _excludes_a_tie(mean: MeanLogRatio | None) -> bool:
    return mean is not None and mean.bounds()[0] > 0


def lead(first: Mapping[str, float], other: Mapping[str, float]) -> MeanLogRatio | None:
    """By how much the first is better under what both went through; None where that is too little.

    Keys are taken in their order, so that the same figures give the same sums.
    """
    common = sorted(first.keys() & other.keys())
    if len(common) < MIN_ROUNDS:
        return None
    return Paired([first[key] - other[key] for key in common]).mean()


def excludes_a_tie(estimate: Estimate) -> bool:
    """Whether an interval says which of the two is better, also as it is written down."""
    return not round(estimate.low, 2) <= 1 <= round(estimate.high, 2)


def _closeness(rival: Rival) -> float:
    return math.inf if rival.lead is None else rival.lead.ratio
