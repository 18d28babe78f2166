"""Figures and lists as they stand in a sentence: three significant digits and no more."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from outboxbench.analysis.intervals import Estimate

_DIGITS: Final = 3
_MS_PER_S: Final = 1000.0
_SMALLEST_END: Final = 0.01
_LARGEST_END: Final = 9.99


def figure(value: float) -> str:
    """A figure with at most three significant digits: 12,300 or 3.02 or, of a count, 7."""
    if value == 0:
        return "0"
    decimals = _DIGITS - 1 - math.floor(math.log10(abs(value)))
    rounded = round(value, decimals)
    return f"{rounded:,.{0 if isinstance(value, int) else max(decimals, 0)}f}"


def share(part: int, whole: int) -> str:
    """A part of a whole in per cent; exactly none is said to be so."""
    return f"{figure(100 * part / whole)}%" if part else "0%"


def milliseconds(value_ms: float) -> str:
    """A duration, in seconds from one on."""
    seconds = value_ms / _MS_PER_S
    return f"{figure(seconds)} s" if seconds >= 1 else f"{figure(value_ms)} ms"


def times(estimate: Estimate) -> str:
    """A ratio with its interval: 1.69 [1.65, 1.73]."""
    return _with_interval(estimate, figure, f"<{_SMALLEST_END:g}", f">{_LARGEST_END:g}")


def percentage(estimate: Estimate) -> str:
    """A ratio with its interval in per cent: 32% [31%, 33%]."""
    return _with_interval(estimate, _percent, f"<{_SMALLEST_END:.0%}", f">{_LARGEST_END:.0%}")


def _with_interval(
    estimate: Estimate, written: Callable[[float], str], smallest: str, largest: str
) -> str:
    """Of few and noisy rounds an interval may end beyond all bounds."""
    low = smallest if estimate.low < _SMALLEST_END else written(estimate.low)
    high = largest if estimate.high > _LARGEST_END else written(estimate.high)
    return f"{written(estimate.ratio)} [{low}, {high}]"


def _percent(ratio: float) -> str:
    return f"{figure(round(100 * ratio))}%"


def listed(words: Sequence[str], *, most: int = 6) -> str:
    """Words as a list; of more than `most` the first ones, and how many are left."""
    shown = list(words) if len(words) <= most else [*words[:most], f"{len(words) - most} more"]
    return " and ".join([", ".join(shown[:-1]), *shown[-1:]] if len(shown) > 1 else shown)


def counted(number: int, noun: str) -> str:
    """A number and what it counts: 1 round, 5 rounds."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
