"""Where labels stand so that none covers another, each as near as can be to what it names."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


def spread_apart(wanted: Sequence[float], *, gap: float, low: float, high: float) -> list[float]:
    """Positions at least `gap` apart within low…high, as near as can be to those wanted.

    `wanted` must ascend. If there is no room for all, the gap is narrowed until there is.
    """
    if not wanted:
        return []
    gap = min(gap, (high - low) / max(len(wanted) - 1, 1))
    # Without their gaps the positions only have to ascend: where they do not, neighbours meet at
    # their mean (isotonic regression by pooling).
    pools: list[tuple[float, int]] = []
    for number, position in enumerate(wanted):
        mean, size = position - number * gap, 1
        while pools and pools[-1][0] > mean:
            other_mean, other_size = pools.pop()
            mean = (mean * size + other_mean * other_size) / (size + other_size)
            size += other_size
        pools.append((mean, size))
    highest = high - (len(wanted) - 1) * gap
    means = [min(max(mean, low), highest) for mean, size in pools for _ in range(size)]
    return [mean + number * gap for number, mean in enumerate(means)]
