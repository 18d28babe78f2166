"""Counts what became of every operation: all of them for the check, the window's as measured.

Memory does not grow with the number of operations. A record costs about a microsecond.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Literal, TypeAlias

from outboxbench.core.application.outcome import Outcome
from outboxbench.harness.load.job import WorkerResult
from outboxbench.results.buckets import (
    HALF_BUCKET_BITS,
    HIGHEST_US,
    SUB_BUCKET_BITS,
    SUB_BUCKET_MASK,
    clamp_us,
    counts_index,
)

if TYPE_CHECKING:
    from outboxbench.core.application.retry import OperationResult
    from outboxbench.harness.load.arrivals import Arrival
    from outboxbench.harness.load.command_mix import Request
    from outboxbench.harness.load.job import Window

CountedBy: TypeAlias = Literal["end", "start"]
"""What decides whether an operation belongs to the window, and to which interval of it.

In a closed loop its end: at any moment all clients are at work, so what begins before the window
makes up for what ends after it. In an open loop when it was due: what is due inside the window
counts, however late it ends.
"""

_OK = Outcome.OK
_GOOD = (Outcome.OK.value, Outcome.OK_RECOVERED.value)


class Recorder:
    """The records of one worker. Counts are sparse: histogram bucket → operations."""

    __slots__ = (
        "_closes_ns",
        "_counted_by_end",
        "_ended_good",
        "_interval_ns",
        "_intervals",
        "_ok_counts",
        "_opens_ns",
        "attempts",
        "charged_cents",
        "clamped",
        "failures",
        "generator_lag_counts",
        "idle_ns",
        "latency_counts",
        "outcomes",
        "running_ns",
        "schedule_lag_counts",
        "window_outcomes",
    )

    def __init__(self, window: Window, counted_by: CountedBy = "end") -> None:
        self._opens_ns = window.opens_ns
        self._closes_ns = window.closes_ns
        self._interval_ns = window.interval_ns
        self._intervals = window.intervals
        self._counted_by_end = counted_by == "end"
        self._ok_counts = self._no_counts()
        self.latency_counts: dict[str, list[dict[int, int]]] = {_OK.value: self._ok_counts}
        self.outcomes: dict[str, Counter[str]] = {_OK.value: Counter()}
        self.window_outcomes: Counter[str] = Counter()
        self.failures: Counter[str] = Counter()
        self.schedule_lag_counts: Counter[int] = Counter()
        self.generator_lag_counts: Counter[int] = Counter()
        self._ended_good = 0
        self.charged_cents = 0
        self.attempts = 0
        self.clamped = 0
        self.idle_ns = 0
        self.running_ns = 0

    def record(
        self, request: Request, result: OperationResult, started_ns: int, ended_ns: int
    ) -> None:
        """Count one operation. Times are those of the monotonic clock."""
        # Plain strings are the keys: an enumeration's members hash in Python, which costs more
        # than all the rest.
        if result.outcome is _OK:
            outcome = "ok"
            intervals = self._ok_counts
            self.charged_cents += request.charged_cents
        else:
            outcome = result.outcome.value
            if outcome not in self.latency_counts:
                self.latency_counts[outcome] = self._no_counts()
                self.outcomes[outcome] = Counter()
            intervals = self.latency_counts[outcome]
        self.outcomes[outcome][request.name] += 1
        moment_ns = ended_ns
        if not self._counted_by_end:
            moment_ns = started_ns
            if self._opens_ns <= ended_ns < self._closes_ns and outcome in _GOOD:
                self._ended_good += 1
        if not self._opens_ns <= moment_ns < self._closes_ns:
            return
        self.window_outcomes[outcome] += 1
        self.attempts += result.attempts
        if result.failure is not None:
            self.failures[result.failure.value] += 1
        latency_us = (ended_ns - started_ns) // 1000
        if latency_us > HIGHEST_US:
            latency_us = HIGHEST_US
            self.clamped += 1
        bucket = (latency_us | SUB_BUCKET_MASK).bit_length() - SUB_BUCKET_BITS
        index = (bucket << HALF_BUCKET_BITS) + (latency_us >> bucket)
        counts = intervals[(moment_ns - self._opens_ns) // self._interval_ns]
        counts[index] = counts.get(index, 0) + 1

    @property
    def ended_good(self) -> int:
        """Good operations that ended inside the window, whenever they were due."""
        if self._counted_by_end:
            return sum(self.window_outcomes[outcome] for outcome in _GOOD)
        return self._ended_good

    def skip(self, arrival: Arrival) -> None:
        """Count an operation that was never sent."""
        if self._opens_ns <= arrival.due_ns < self._closes_ns:
            self.window_outcomes[Outcome.SKIPPED.value] += 1
            self._count_generator_lag(arrival)

    def record_lag(self, arrival: Arrival, started_ns: int) -> None:
        """Count how long an operation waited for a client, and for the generator to notice it."""
        if self._opens_ns <= arrival.due_ns < self._closes_ns:
            lag_us = (started_ns - arrival.due_ns) // 1000
            self.schedule_lag_counts[counts_index(clamp_us(lag_us))] += 1
            self._count_generator_lag(arrival)

    def _count_generator_lag(self, arrival: Arrival) -> None:
        lag_us = (arrival.noticed_ns - arrival.due_ns) // 1000
        self.generator_lag_counts[counts_index(clamp_us(lag_us))] += 1

    def _no_counts(self) -> list[dict[int, int]]:
        return [{} for _ in range(self._intervals)]


def result_of(recorder: Recorder, early: Recorder | None = None) -> WorkerResult:
    """Return what a worker has counted.

    Args:
        recorder: of its window.
        early: of what it did before that; it counts for the check alone.
    """
    outcomes: dict[str, dict[str, int]] = {}
    charged_cents = 0
    for each in (recorder,) if early is None else (early, recorder):
        charged_cents += each.charged_cents
        for outcome, commands in each.outcomes.items():
            for command, count in commands.items():
                counts = outcomes.setdefault(command, {})
                counts[outcome] = counts.get(outcome, 0) + count
    return WorkerResult(
        outcomes=outcomes,
        window_outcomes=dict(recorder.window_outcomes),
        failures=dict(recorder.failures),
        latency_counts=recorder.latency_counts,
        schedule_lag_counts=dict(recorder.schedule_lag_counts),
        generator_lag_counts=dict(recorder.generator_lag_counts),
        ended_good=recorder.ended_good,
        attempts=recorder.attempts,
        charged_cents=charged_cents,
        clamped=recorder.clamped,
        idle_ns=recorder.idle_ns,
        running_ns=recorder.running_ns,
    )
