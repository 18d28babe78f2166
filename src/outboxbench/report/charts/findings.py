"""How a finding is told: one sentence, whatever number of tables a run has."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from outboxbench.analysis.answers.ranking import excludes_a_tie, lead
from outboxbench.analysis.answers.words import times

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

MOST_PARTS: Final = 3
"""Of a sentence; the rest is counted."""


def sentence(parts: Sequence[str]) -> str:
    """Join what was found in each table."""
    rest = len(parts) - MOST_PARTS
    more = f"; likewise {rest} more, in the table" if rest > 0 else ""
    return f"{'; '.join(parts[:MOST_PARTS])}{more}."


def over_rounds(least: str, most: str, rounds: int) -> str:
    """The range of a figure over the rounds, both its ends in words."""
    return "a single round" if rounds == 1 else f"{least} to {most} in {rounds} rounds"


def lead_over(
    other: str, first_logs: Mapping[str, float], other_logs: Mapping[str, float], comparative: str
) -> str:
    """Tell by how much the first is ahead of the next, by the rounds that both took part in.

    The same ratio with the same interval as in the answers, so that a chart does not judge by the
    ranges of rounds what they judge by pairs.

    Args:
        other: who is next, with its figure.
        first_logs: by round, the logarithm of what is better the higher it is.
        other_logs: that of the next.
        comparative: what the first is so many times: "as much as", say.
    """
    mean = lead(first_logs, other_logs)
    if mean is None:
        return f"before {other}"
    estimate = mean.t_interval()
    doubt = "" if excludes_a_tie(estimate) else ", so that either may be first"
    return f"round by round {times(estimate)} times {comparative} {other}{doubt}"


def overlap(one: tuple[float, float], other: tuple[float, float]) -> bool:
    """Whether two ranges, each from its least to its most, have a value in common."""
    return one[0] <= other[1] and other[0] <= one[1]
