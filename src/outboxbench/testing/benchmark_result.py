"""What a test asserts on: the price of a transaction, and how two of them compare."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from outboxbench.results.block import Check, LatencyUs
    from outboxbench.results.comparison import Decision
    from outboxbench.results.document import Verdict


@dataclass(frozen=True, slots=True, repr=False)
class BenchmarkResult:
    """What one operation takes, on average over those that were counted.

    A count that is the same for every operation is a whole number, so that `== 2` means each.
    """

    name: str
    round_trips: float
    """How often the client sent something and waited for the answer before it sent more."""
    statements: float
    commits: float
    """Explicit ones: a statement outside of a transaction block has none."""
    rollbacks: float
    bytes_sent: float
    """By the client."""
    bytes_received: float
    frontend_messages: Mapping[str, float]
    """What the client sent, by the names of PostgreSQL's protocol."""
    backend_messages: Mapping[str, float]
    wal_bytes: float | None
    """Written to the log, without images of full pages; None where the server cannot tell."""
    wal_records: float | None
    latency_us: LatencyUs
    """Percentiles in µs, straight to the server; None with too few samples: 20 for p50, 1,000 for
    p99."""
    outcomes: Mapping[str, int]
    """Number of operations by outcome, those that were counted and those that were timed."""
    verdict: Verdict
    checks: tuple[Check, ...] = field(default=())

    @property
    def messages(self) -> float:
        """Messages of the protocol in both directions."""
        return sum(self.frontend_messages.values()) + sum(self.backend_messages.values())

    def __repr__(self) -> str:
        p50 = self.latency_us.p50
        parts = [
            f"{self.round_trips:g} round trips",
            f"{self.messages:g} messages",
            f"{self.bytes_sent:g} bytes sent",
            f"{self.bytes_received:g} received",
            *([] if self.wal_bytes is None else [f"{self.wal_bytes:g} of WAL"]),
            *([] if p50 is None else [f"p50 {p50:g} µs"]),
            *(f"{count} {outcome}" for outcome, count in self.outcomes.items()),
            f"verdict {self.verdict}",
        ]
        return f"<{self.name}: {', '.join(parts)}>"


@dataclass(frozen=True, slots=True, repr=False)
class BenchmarkRatio:
    """How long head takes relative to base: 0.5 is half of its time.

    `low` and `high` are the ends of the 95% t-interval over the rounds.
    """

    base: str
    head: str
    ratio: float
    low: float
    high: float
    decision: Decision
    """`improvement` or `regression` if the effect is surely beyond the margin, `same` if it is
    surely within, else `inconclusive`."""
    margin: float
    rounds: int
    base_us: float
    """Median latency, the median of the rounds, in µs."""
    head_us: float

    def __repr__(self) -> str:
        return (
            f"<{self.head} takes {self.ratio:.3g} [{self.low:.3g}, {self.high:.3g}] times as long "
            f"as {self.base}: {self.decision} ({self.rounds} rounds, p50 {self.head_us:.0f} µs "
            f"and {self.base_us:.0f} µs)>"
        )
