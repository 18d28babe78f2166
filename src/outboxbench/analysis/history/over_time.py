"""A block over time: each operation as a point, and how many were waited for, from one reading.

What succeeded is thinned, as there is no end to it; what did not is kept, every single operation.
"""

from __future__ import annotations

import math
from array import array
from dataclasses import dataclass
from itertools import accumulate
from typing import TYPE_CHECKING, Final

from outboxbench.analysis.history.spans import NS_PER_MS, NS_PER_S
from outboxbench.analysis.history.whole_operations import OperationsInProgress
from outboxbench.results.history import AttemptLine, FaultLine

if TYPE_CHECKING:
    from collections.abc import Iterable

    from outboxbench.analysis.history.whole_operations import WholeOperation
    from outboxbench.results.availability import Timeline
    from outboxbench.results.history import HistoryLine

MOMENTS: Final = 1000
"""Parts of a block: of each the backlog is told once, and its ok operations are thinned."""
CELLS_PER_DECADE: Final = 16
"""Of latency: one ok operation is kept of all that fall into the same cell at the same moment."""

SHORTEST_MS: Final = 0.01
"""A latency below cannot be, and would have no place on a logarithmic axis."""


@dataclass(slots=True)
class Points:
    """Operations of one outcome: when each was due, and how long it took from then."""

    due_s: array[float]
    latency_ms: array[float]


@dataclass(frozen=True, slots=True)
class OverTime:
    """One block over time, in seconds since it began.

    `points` are by outcome, without operations that have no end: `endless_s` is when those were
    due, and `skipped_s` when those were due that no client took up. `backlog` holds the operations
    that were due and had not ended at the end of each step of `step_s` since `begins_s`; a skipped
    one counts for as long as a client could have taken it up, and one that no client came to
    before the end of the block is on no record. `bands_s` are the times from the
    onset of each fault to its healing, or to the end of the load if it was not healed.
    """

    begins_s: float
    ends_s: float
    step_s: float
    points: dict[str, Points]
    endless_s: array[float]
    skipped_s: array[float]
    backlog: tuple[int, ...]
    bands_s: tuple[tuple[float, float], ...]


def over_time(lines: Iterable[HistoryLine], timeline: Timeline, max_wait_s: float) -> OverTime:
    """Read the lines of a history once.

    Args:
        lines: those of a client in their order.
        timeline: the block's, which tells how long the load was.
        max_wait_s: how long an operation that is due waits for a client before it is skipped.

    Raises:
        HistoryDamaged: it is not as it was written.
        OSError: it cannot be read.
    """
    reading = _Reading(timeline, max_wait_s)
    for line in lines:
        reading.see(line)
    return reading.result()


class _Reading:
    def __init__(self, timeline: Timeline, max_wait_s: float) -> None:
        self._begins_s = timeline.begins_ms / 1000
        self._ends_s = self._begins_s + timeline.bin_ms * len(timeline.good) / 1000
        self._max_wait_s = max_wait_s
        self._step_s = max((self._ends_s - self._begins_s) / MOMENTS, 1e-6)
        # What comes in a step less what goes in it.
        self._change = [0] * (MOMENTS + 1)
        self._operations = OperationsInProgress()
        self._points: dict[str, Points] = {}
        self._taken: set[tuple[int, int]] = set()
        self._endless_s = array("d")
        self._skipped_s = array("d")
        self._faults: dict[int, FaultLine] = {}

    def see(self, line: HistoryLine) -> None:
        if isinstance(line, AttemptLine):
            operation = self._operations.see(line)
            if operation is not None:
                self._add(operation)
        elif isinstance(line, FaultLine):
            self._faults[line.number] = line

    def result(self) -> OverTime:
        for operation in self._operations.without_end():
            self._add(operation)
        return OverTime(
            begins_s=self._begins_s,
            ends_s=self._ends_s,
            step_s=self._step_s,
            points=self._points,
            endless_s=self._endless_s,
            skipped_s=self._skipped_s,
            backlog=tuple(accumulate(self._change[:MOMENTS])),
            bands_s=tuple(self._band_s(fault) for _, fault in sorted(self._faults.items())),
        )

    def _add(self, operation: WholeOperation) -> None:
        due_s = operation.due_ns / NS_PER_S
        step = self._step(due_s)
        self._change[step] += 1
        if operation.outcome == "skipped":
            self._skipped_s.append(due_s)
            self._change[self._step(due_s + self._max_wait_s)] -= 1
        elif operation.ended_ns is None:
            self._endless_s.append(due_s)
        else:
            self._change[self._step(operation.ended_ns / NS_PER_S)] -= 1
            latency_ms = max((operation.ended_ns - operation.due_ns) / NS_PER_MS, SHORTEST_MS)
            if operation.outcome != "ok" or self._is_first_of_cell(step, latency_ms):
                points = self._points.setdefault(operation.outcome, Points(array("d"), array("d")))
                points.due_s.append(due_s)
                points.latency_ms.append(latency_ms)

    def _is_first_of_cell(self, step: int, latency_ms: float) -> bool:
        cell = (step, math.floor(math.log10(latency_ms) * CELLS_PER_DECADE))
        if cell in self._taken:
            return False
        self._taken.add(cell)
        return True

    def _step(self, moment_s: float) -> int:
        """The step a moment is in; the last one is for what comes after the load."""
        return min(max(int((moment_s - self._begins_s) / self._step_s), 0), MOMENTS)

    def _band_s(self, fault: FaultLine) -> tuple[float, float]:
        healed_s = self._ends_s if fault.healed_ns is None else fault.healed_ns / NS_PER_S
        return fault.onset_ns / NS_PER_S, healed_s
