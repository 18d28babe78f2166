"""Bounds how much load retries add to a service that is failing already."""

from __future__ import annotations


class RetryBudget:
    """Each operation earns a part of a retry; each retry after an outage costs a whole one.

    Args:
        ratio: retries that an operation earns; 0.2 lets retries add a fifth to the load.
        reserve: retries that are there from the start, and the most that are ever saved.
    """

    def __init__(self, ratio: float, reserve: float) -> None:
        self._ratio = ratio
        self._reserve = reserve
        self._saved = reserve

    def earn(self) -> None:
        """Note an operation."""
        self._saved = min(self._reserve, self._saved + self._ratio)

    def spend(self) -> bool:
        """Pay for a retry; return whether there was enough left."""
        if self._saved < 1.0:
            return False
        self._saved -= 1.0
        return True
