"""How long to wait before something is tried again."""

from __future__ import annotations

from dataclasses import dataclass
from random import random


@dataclass(frozen=True, slots=True)
class Backoff:
    """Doubles from `first_s` up to `longest_s`."""

    first_s: float
    longest_s: float

    def delay_s(self, failures: int) -> float:
        """Return the delay after so many failures in a row, from 1, drawn from its upper half.

        The draw keeps those who failed together from trying again together.
        """
        whole_s = min(self.longest_s, self.first_s * 2.0 ** min(failures - 1, 62))
        return whole_s * (0.5 + random() / 2)  # noqa: S311 - a delay, no secret
