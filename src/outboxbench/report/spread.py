"""How the rounds of arms differ, in the width of a word: one bar for each, in their order."""

from __future__ import annotations

import math
from statistics import median
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

WIDTH: Final = 5
"""In characters; of more rounds, neighbours share a bar."""

_BARS: Final = "▁▂▃▄▅▆▇█"
_LEAST_SCALE: Final = math.log(1.05)
"""Rounds that differ by less look alike: that much counts as none anywhere."""


def scale(arms: Iterable[Sequence[float]]) -> float:
    """How far, as a logarithm, any round of some arms is from the median of its arm."""
    return max((abs(each) for values in arms for each in _deviations(values)), default=0.0)


def spread(values: Sequence[float], scale: float) -> str:
    """Draw the rounds of an arm around their median.

    Args:
        values: of the rounds, in their order.
        scale: as `scale` gives it of all arms of a table, so that their spreads compare: an arm
            whose rounds agree is level beside one whose do not.
    """
    widest = max(scale, _LEAST_SCALE)
    deviations = _deviations(values)
    bars = min(WIDTH, len(deviations))
    shared = [
        median(deviations[bar * len(deviations) // bars : (bar + 1) * len(deviations) // bars])
        for bar in range(bars)
    ]
    return "".join(_BARS[_level(each / widest)] for each in shared)


def _level(share: float) -> int:
    """From -1 to 1 to one of the bars, 0 in their middle."""
    return min(int((share + 1) / 2 * len(_BARS)), len(_BARS) - 1)


def _deviations(values: Sequence[float]) -> list[float]:
    known = [math.log(value) for value in values if value > 0]
    return [value - median(known) for value in known]
