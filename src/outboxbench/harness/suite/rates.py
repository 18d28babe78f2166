"""How fast the operations of an open loop come: so many a second, or a share of a capacity."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal, TypeAlias

Yardstick: TypeAlias = Literal["slowest", "own"]
"""Whose capacity a share is of: that of the slowest arm of the table, or the arm's own."""

_SHARE = re.compile(r"([0-9]+(?:\.[0-9]+)?)% of (slowest|own)")
_HIGHEST_PERCENT = 1000.0


@dataclass(frozen=True, slots=True)
class FixedRate:
    """So many operations a second."""

    per_s: float

    def __str__(self) -> str:
        return f"{self.per_s:.10g} per s"


@dataclass(frozen=True, slots=True)
class RelativeRate:
    """A share of what an arm can do in a closed loop, which is measured first."""

    percent: float
    of: Yardstick

    def __str__(self) -> str:
        return f"{self.percent:.10g}% of {self.of}"


Rate: TypeAlias = FixedRate | RelativeRate


def parse_rate(value: float | str) -> Rate:
    """Read a rate as a suite has it.

    Raises:
        ValueError: it is no rate; the message says what is allowed.
    """
    if not isinstance(value, str):
        if 0 < value <= 1e7:
            return FixedRate(float(value))
    elif match := _SHARE.fullmatch(value):
        percent, of = float(match[1]), match[2]
        if 0 < percent <= _HIGHEST_PERCENT:
            return RelativeRate(percent, "own" if of == "own" else "slowest")
    raise ValueError(
        'allowed are operations per second, such as 250.0, or a share up to 1000%, such as "60% of '
        'slowest" or "80% of own"'
    )
