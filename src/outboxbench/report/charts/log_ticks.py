"""Ticks of logarithmic axes: short labels, and no more of them than have room beside each other."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from matplotlib.axis import YAxis
from matplotlib.ticker import FixedLocator, FuncFormatter, LogLocator, NullLocator

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from matplotlib.axis import Axis

_CHARACTER_EM: Final = 0.66
"""Width of a digit of the font, with a little to spare."""
_GAP_EM: Final = 0.7
_POINTS_PER_IN: Final = 72
_OVERHANG_IN: Final = 0.08
"""How far a label may stand out of its axis, where another panel may be near."""


def label_log_axis(
    axis: Axis,
    limits: tuple[float, float],
    *,
    length_in: float,
    per_unit: float = 1.0,
    points: float = 9,
) -> None:
    """Label a logarithmic axis with as many values as its length has room for.

    Args:
        axis: what is labelled.
        limits: where it begins and ends.
        length_in: its length in inches.
        per_unit: what a label counts in, so 1000 for ms on an axis of µs.
        points: size of the labels.
    """
    low, high = (limit / per_unit for limit in limits)
    is_upright = isinstance(axis, YAxis)
    values = _most_that_fit(low, high, length_in, points / _POINTS_PER_IN, is_upright=is_upright)
    axis.set_major_locator(FixedLocator([value * per_unit for value in values]))
    axis.set_major_formatter(FuncFormatter(lambda value, _: short(value / per_unit)))
    axis.set_minor_locator(NullLocator())
    axis.set_tick_params(labelsize=points)


def tick_log_axis(axis: Axis, *, is_wide: bool, spec: str) -> None:
    """Label a logarithmic axis at round values, a wide one at fewer of each decade.

    `spec` is how a value is written, as `format` takes it.
    """
    axis.set_major_locator(LogLocator(subs=(1, 2, 5) if is_wide else (1, 1.5, 2, 3, 5, 7)))
    axis.set_major_formatter(FuncFormatter(lambda value, _: format(value, spec)))
    axis.set_minor_locator(NullLocator())


def short(value: float) -> str:
    """A round figure in a few characters: 0.01, 5, 200, 10k, 2M."""
    for size, letter in ((1e6, "M"), (1e3, "k")):
        if value >= size * (1 - 1e-9):
            return f"{value / size:g}{letter}"
    return f"{value:g}"


def _most_that_fit(
    low: float, high: float, length_in: float, em_in: float, *, is_upright: bool
) -> list[float]:
    scale_in = length_in / math.log10(high / low)

    def extent_in(value: float) -> tuple[float, float]:
        place_in = math.log10(value / low) * scale_in
        half_in = (1 if is_upright else len(short(value)) * _CHARACTER_EM) * em_in / 2
        return place_in - half_in, place_in + half_in

    values: list[float] = []
    for candidates in _candidates(low, high):
        values = [
            value
            for value in candidates
            if extent_in(value)[0] >= -_OVERHANG_IN
            and extent_in(value)[1] <= length_in + _OVERHANG_IN
        ]
        extents = [extent_in(value) for value in values]
        if all(right[0] - left[1] >= _GAP_EM * em_in for left, right in pairwise(extents)):
            return values
    return values[:1]


def _candidates(low: float, high: float) -> Iterator[Sequence[float]]:
    """Values within the limits, ever fewer of them."""
    first, last = math.floor(math.log10(low)), math.ceil(math.log10(high))
    for digits in ((1, 1.5, 2, 3, 5, 7), (1, 2, 5), (1, 3)):
        yield _within(low, high, [digit * 10.0**n for n in range(first, last) for digit in digits])
    for step in range(1, last - first + 1):
        begin = math.ceil(first / step) * step
        yield _within(low, high, [10.0**n for n in range(begin, last + 1, step)])


def _within(low: float, high: float, values: Sequence[float]) -> list[float]:
    return [value for value in values if low <= value <= high]
