"""Counts what became of every operation: all of them for the check, the window's as measured.

Memory is constant however long a block runs. A record costs less than a microsecond.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from outboxbench.core.application.outcome import Outcome
from outboxbench.results.buckets import (
    COUNTS_LENGTH,
    HALF_BUCKET_BITS,
    HIGHEST_US,
    SUB_BUCKET_BITS,
    SUB_BUCKET_MASK,
)

if TYPE_CHECKING:
    from outboxbench.core.application.retry import OperationResult
    from outboxbench.harness.load.command_mix import Request


_OK = Outcome.OK


class Recorder:
    """The records of one worker.

    An operation belongs to the window if it ends inside it: at any moment of a closed loop all
    clients are at work, so what begins before the window makes up for what ends after it.
    """

    __slots__ = (
        "_closes_ns",
        "_ok_counts",
        "_opens_ns",
        "attempts",
        "charged_cents",
        "clamped",
        "failures",
        "idle_ns",
        "latency_counts",
        "outcomes",
        "running_ns",
        "window_outcomes",
    )

    def __init__(self, opens_ns: int, closes_ns: int) -> None:
        self._opens_ns = opens_ns
        self._closes_ns = closes_ns
        self._ok_counts = [0] * COUNTS_LENGTH
        self.latency_counts: dict[str, list[int]] = {_OK.value: self._ok_counts}
        self.outcomes: dict[str, Counter[str]] = {_OK.value: Counter()}
        self.window_outcomes: Counter[str] = Counter()
        self.failures: Counter[str] = Counter()
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
            counts = self._ok_counts
            self.charged_cents += request.charged_cents
        else:
            outcome = result.outcome.value
            counts = self.latency_counts.setdefault(outcome, [])
            if not counts:
                counts.extend([0] * COUNTS_LENGTH)
                self.outcomes[outcome] = Counter()
        self.outcomes[outcome][request.name] += 1
        if not self._opens_ns <= ended_ns < self._closes_ns:
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
        counts[(bucket << HALF_BUCKET_BITS) + (latency_us >> bucket)] += 1
