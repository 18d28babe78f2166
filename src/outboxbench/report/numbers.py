"""Figures as text: three significant digits, and a dash for what was not measured."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from outboxbench.results.model import Run, Summary

BLANK = "–"

_US_PER_MS = 1000


def three_digits(value: float | None) -> str:
    """A figure with three significant digits; whole thousands keep all of theirs."""
    if value is None:
        return BLANK
    decimals = next((n for n, limit in enumerate((100, 10, 1)) if value >= limit), 3)
    return f"{value:,.{decimals}f}"


def milliseconds(value_us: float | None) -> str:
    """A latency in µs as a figure in ms."""
    return three_digits(None if value_us is None else value_us / _US_PER_MS)


def percent(ratio: float | None) -> str:
    """A ratio as whole per cent."""
    return BLANK if ratio is None else f"{ratio:.0%}"


def spread(summary: Summary) -> str:
    """Half the range of ok/s over the rounds, relative to the median; blank for one round."""
    if summary.rounds < 2 or not summary.ok_per_s_median:
        return ""
    half_range = (summary.ok_per_s_max - summary.ok_per_s_min) / 2
    return f"±{half_range / summary.ok_per_s_median:.0%}"


def rounds(run: Run) -> str:
    """How much was measured: rounds and the length of each window."""
    return f"{run.rounds} round{'' if run.rounds == 1 else 's'} of {run.window_s:g} s"
