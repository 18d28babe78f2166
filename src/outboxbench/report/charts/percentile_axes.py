"""The axes of latency by percentile.

The percentile axis is one in how many is slower, 1 / (1 - quantile), so that every further nine
takes the same room.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from matplotlib.ticker import FixedLocator, FuncFormatter, LogLocator, NullLocator

from outboxbench.report.charts.log_ticks import tick_log_axis

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from matplotlib.axes import Axes

    from outboxbench.report.charts.percentile_lines import Line

_TICKS: Final = {
    2: "50%",
    10: "90%",
    100: "99%",
    1_000: "99.9%",
    10_000: "99.99%",
    100_000: "99.999%",
}
MEDIAN: Final = min(_TICKS)
_WIDE_RANGE: Final = 20
_MARGIN: Final = 1.15
_LEAST_MS: Final = 0.001
"""A latency of 0 has no place on a logarithmic axis."""


class Limits(NamedTuple):
    """What all panels of a row show."""

    highest_odds: float
    low_ms: float
    high_ms: float


def limits_of(lines: Sequence[Line]) -> Limits:
    """Room for all of these lines."""
    values_ms = [value_ms for line in lines for value_ms in line.values_ms]
    return Limits(
        highest_odds=max(line.odds[-1] for line in lines),
        low_ms=max(min(values_ms), _LEAST_MS) / _MARGIN,
        high_ms=max(values_ms) * _MARGIN,
    )


def set_axes(axes: Axes, limits: Limits) -> None:
    """Give axes their scales and ticks."""
    axes.set_xscale("log")
    axes.set_xlim(MEDIAN, limits.highest_odds)
    _tick(axes, _ticks_within(limits))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda odds, _: _TICKS[round(odds)]))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set_xlabel("percentile of operations", fontsize=9)
    axes.set_yscale("log")
    axes.set_ylim(limits.low_ms, limits.high_ms)
    is_wide = limits.high_ms / limits.low_ms > _WIDE_RANGE
    tick_log_axis(axes.yaxis, is_wide=is_wide, spec="g")


def set_small_axes(axes: Axes, limits: Limits) -> None:
    """Give the axes of a small panel their scales, and ticks that have room there."""
    set_axes(axes, limits)
    axes.yaxis.set_major_locator(LogLocator(subs=(1, 3)))
    _tick(axes, [odds for odds in _ticks_within(limits) if odds != MEDIAN][::2])
    axes.set_xlabel("percentile; latency in ms", fontsize=8)


def places_of_nines(line: Line) -> list[int]:
    """Where in a line its median is, and every nine that its sample supports."""
    return [_nearest(line.odds, odds) for odds in _TICKS if odds <= line.odds[-1]]


def _ticks_within(limits: Limits) -> list[int]:
    return [odds for odds in _TICKS if odds <= limits.highest_odds]


def _tick(axes: Axes, odds: Iterable[int]) -> None:
    axes.xaxis.set_major_locator(FixedLocator(list(odds)))


def _nearest(values: Sequence[float], wanted: float) -> int:
    return min(range(len(values)), key=lambda index: abs(values[index] - wanted))
