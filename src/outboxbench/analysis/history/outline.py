"""What has to be known of a history before it can be measured: its extent, its faults, its doubts.

The load begins when the first operation is due, or at an onset before. It ends when the last one is
due, or with the last that is told of a fault, where that comes later: in a closed loop clients that
all hang ask for nothing any more.
What is still answered after that is no sign of how much could have been done.
"""

from __future__ import annotations

from bisect import bisect_right
from typing import TYPE_CHECKING

from outboxbench.analysis.history.whole_operations import is_in_doubt
from outboxbench.results.history import AttemptLine, FaultLine

if TYPE_CHECKING:
    from collections.abc import Iterable

    from outboxbench.results.history import HistoryLine


class Outline:
    """The extent of a history, divided into spans: one before the first onset, one from each.

    Args:
        lines: all of the history's.
    """

    def __init__(self, lines: Iterable[HistoryLine]) -> None:
        faults: dict[int, FaultLine] = {}
        first_ns: int | None = None
        last_ns: int | None = None
        self.in_doubt: set[str] = set()
        """Every op_id of an attempt of which nobody was told what became of it."""
        for line in lines:
            if isinstance(line, AttemptLine):
                if first_ns is None or line.due_ns < first_ns:
                    first_ns = line.due_ns
                if last_ns is None or line.due_ns > last_ns:
                    last_ns = line.due_ns
                if is_in_doubt(line):
                    self.in_doubt.add(line.op_id)
            elif isinstance(line, FaultLine):
                faults[line.number] = line
        self.faults = sorted(faults.values(), key=lambda fault: (fault.onset_ns, fault.number))
        onsets_ns = [fault.onset_ns for fault in self.faults]
        due_ns = [moment_ns for moment_ns in (first_ns, last_ns) if moment_ns is not None]
        self.begins_ns = min([*due_ns, *onsets_ns], default=0)
        # What was due at the last moment is still in it.
        self.ends_ns = max([*due_ns, *map(_last_moment_ns, self.faults)], default=-1) + 1
        self.bounds_ns = [self.begins_ns, *onsets_ns, self.ends_ns]
        """Where spans begin and end; the first span is the one before the first onset."""
        self._onsets_ns = onsets_ns

    def span_at(self, moment_ns: int) -> int | None:
        """Return the number of the span that a moment is in; None outside the load."""
        if not self.begins_ns <= moment_ns < self.ends_ns:
            return None
        return bisect_right(self._onsets_ns, moment_ns)

    def onsets_between(self, after_ns: int, before_ns: int | None) -> range:
        """Return the spans that began after a moment and before another, or the next if None."""
        first = bisect_right(self._onsets_ns, after_ns) + 1
        if before_ns is None:
            return range(first, min(first + 1, len(self._onsets_ns) + 1))
        last = bisect_right(self._onsets_ns, before_ns - 1)
        return range(first, last + 1)


def _last_moment_ns(fault: FaultLine) -> int:
    moments_ns = (fault.onset_ns, fault.took_effect_ns, fault.healed_ns)
    return max(moment_ns for moment_ns in moments_ns if moment_ns is not None)
