"""What a database holds after a block, in the few numbers that the checks need."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class FinalState:
    """Counts over all tables; those named as faults are 0 in a database that is sound."""

    operations: int
    messages_by_topic: Mapping[str, int]
    balance_cents: int
    accounts_off_balance: int
    """Accounts whose balance is not what their messages add up to."""
    order_lines_off_messages: int
    """Lines that are not as the last message about them says, or that are not there at all."""
    aggregates_with_gaps: int
    """Aggregates whose messages do not count 1, 2, … up to the version of their row."""
    orphaned_messages: int
    """Messages of aggregates that do not exist."""
    operations_with_gaps: int
    """Operations whose messages do not count 0, 1, … or spread over several aggregates."""


@dataclass(frozen=True, slots=True)
class ClientTally:
    """What the clients of a block saw, over all operations, inside the window and outside.

    `outcomes` is by command, then by outcome; `topics` is what each command leaves when it is
    committed.
    """

    outcomes: Mapping[str, Mapping[str, int]]
    topics: Mapping[str, tuple[str, ...]]
    charged_cents: int | None
    """What the `ok` operations took from the accounts; null where the client cannot tell."""

    def count(self, *outcomes: str) -> int:
        """Return how many operations had one of these outcomes."""
        return sum(
            counts.get(outcome, 0) for counts in self.outcomes.values() for outcome in outcomes
        )
