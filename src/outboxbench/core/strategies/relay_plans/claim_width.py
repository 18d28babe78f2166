"""Over how many aggregates a claim is spread."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

    from outboxbench.core.application.outbox import Run

FEWEST_AGGREGATES: Final = 32
"""Fewer would leave receivers idle, which confirm one message of an aggregate at a time."""


class ClaimWidth:
    """As few aggregates as fill a batch, since each costs the database something by itself."""

    def __init__(self) -> None:
        self._aggregates = FEWEST_AGGREGATES

    def aggregates(self, limit: int) -> int:
        """Return how many aggregates to claim for a batch of so many messages."""
        return min(self._aggregates, limit)

    def note(self, runs: Sequence[Run], limit: int) -> None:
        """Learn from what such a claim has brought."""
        if len(runs) < self.aggregates(limit):
            return
        if sum(len(run.messages) for run in runs) < limit // 2:
            self._aggregates = min(limit, self._aggregates * 2)
        else:
            self._aggregates = max(FEWEST_AGGREGATES, self._aggregates // 2)
