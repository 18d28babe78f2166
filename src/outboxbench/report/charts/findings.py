"""How a finding is told: one sentence, whatever number of tables a run has."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

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


def overlap(one: tuple[float, float], other: tuple[float, float]) -> bool:
    """Whether two ranges, each from its least to its most, have a value in common."""
    return one[0] <= other[1] and other[0] <= one[1]
