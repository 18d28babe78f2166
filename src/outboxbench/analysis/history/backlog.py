"""Operations that are due and not over yet, in bins of time: how many pile up, and until when."""

from __future__ import annotations

from functools import cached_property
from itertools import accumulate
from typing import TYPE_CHECKING, Final

from outboxbench.analysis.history.spans import BIN_NS, SUSTAINED_BINS

if TYPE_CHECKING:
    from outboxbench.analysis.history.whole_operations import WholeOperation

_USUAL_BINS: Final = 10
"""So many bins before an onset tell how many operations are usually under way."""


class Backlog:
    """The backlog at the end of every bin of the load.

    An operation that never ends is left out: it would be missing for ever, and is told of as
    `indeterminate`.
    """

    def __init__(self, begins_ns: int, ends_ns: int) -> None:
        self._begins_ns = begins_ns
        self._changes = [0] * (-(-(ends_ns - begins_ns) // BIN_NS) + 1)

    def add(self, operation: WholeOperation) -> None:
        """Count an operation from when it was due until it was over."""
        if operation.ended_ns is None:
            return
        self._changes[self._bin(operation.due_ns)] += 1
        self._changes[self._bin(operation.ended_ns)] -= 1

    @cached_property
    def of_bins(self) -> list[int]:
        """How many operations were due and not over at the end of each bin, once all are added."""
        return list(accumulate(self._changes[:-1]))

    def caught_up_ns(self, onset_ns: int, effect_ns: int, until_ns: int) -> int | None:
        """Return how long after an onset the backlog was back at its usual size, and stayed there.

        Args:
            onset_ns: of the fault; the bins before tell what is usual.
            effect_ns: when the fault took effect: before, there was nothing to catch up on.
            until_ns: the end of the injection's span, where it is no longer looked at.

        Returns:
            None where it did not come back in the span, or too late to see that it stayed.
        """
        backlog = self.of_bins
        onset = self._bin(onset_ns)
        before = backlog[max(0, onset - _USUAL_BINS) : onset]
        if not before:
            return None
        usual = max(before)
        first_seen = self._bin(effect_ns) + SUSTAINED_BINS
        last = self._bin(until_ns)
        for place in range(onset, last - SUSTAINED_BINS + 1):
            if max(backlog[place : max(place + SUSTAINED_BINS, first_seen)]) <= usual:
                return max(0, self._begins_ns + place * BIN_NS - onset_ns)
        return None

    def most(self, begins_ns: int, ends_ns: int) -> int:
        """Return the largest backlog between two moments."""
        first = self._bin(begins_ns)
        return max(self.of_bins[first : max(first + 1, self._bin(ends_ns))], default=0)

    def _bin(self, moment_ns: int) -> int:
        place = (moment_ns - self._begins_ns) // BIN_NS
        return min(max(0, place), len(self._changes) - 1)
