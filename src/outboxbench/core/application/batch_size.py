"""How many messages a relay claims at a time."""

from __future__ import annotations


class BatchSize:
    """Grows while batches are full and quick, shrinks when one takes too long.

    A large batch costs the database less for each message; one that takes long is delivered a
    second time, in full, should the relay die over it.

    Args:
        smallest: messages, where it starts.
        largest: messages, which it never exceeds.
        target_s: how long a batch may take from its claim until it is settled.
    """

    def __init__(self, smallest: int, largest: int, target_s: float) -> None:
        self._smallest = min(smallest, largest)
        self._largest = largest
        self._target_s = target_s
        self.messages = self._smallest

    def note(self, claimed: int, took_s: float) -> None:
        """Take into account how long a batch of so many messages took."""
        if took_s > self._target_s:
            self.messages = max(self._smallest, self.messages // 2)
        elif claimed >= self.messages // 2 and took_s < self._target_s / 4:
            self.messages = min(self._largest, self.messages * 2)

    def note_failure(self) -> None:
        """Take into account that a batch was not claimed or settled: it may have been too large."""
        self.messages = max(self._smallest, self.messages // 2)
