"""How long to wait before something is tried again."""

from __future__ import annotations

from dataclasses import dataclass
from random import random


@dataclass(frozen=True, slots=True)
class Backoff:
    """Doubles from `first_s` up to `longest_s`.

    A part of each delay is drawn anew, `jitter` of it at most: it keeps those who failed together
    from trying again together.
    """

    first_s: float
    longest_s: float
    jitter: float = 0.5

    def delay_s(self, failures: int) -> float:
        """Return the delay after so many failures in a row, counted from 1."""
        whole_s = min(self.longest_s, self.first_s * 2.0 ** min(failures - 1, 62))
        return whole_s * (1.0 - self.jitter * random())  # noqa: S311 - a delay, no secret
