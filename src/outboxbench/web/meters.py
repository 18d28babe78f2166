"""What the service counts of itself, for Prometheus to collect."""

from __future__ import annotations

from math import nan
from typing import TYPE_CHECKING, Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4

if TYPE_CHECKING:
    from outboxbench.core.application.outbox import OutboxStatus

MEDIA_TYPE: Final = CONTENT_TYPE_PLAIN_0_0_4

_BUCKETS_S: Final = (
    *(0.0005, 0.001, 0.002, 0.003, 0.005, 0.0075, 0.01, 0.015, 0.02, 0.03, 0.05, 0.075),
    *(0.1, 0.15, 0.2, 0.3, 0.5, 0.75, 1.0, 2.0, 5.0, 10.0),
)


class Meters:
    """The counters of one instance, whose pool has so many connections."""

    def __init__(self, pool_size: int) -> None:
        self._registry = registry = CollectorRegistry()
        self._of: dict[tuple[str, str], tuple[Counter, Histogram]] = {}
        self._outcomes = Counter(
            "outboxbench_operations", "Operations.", ("command", "outcome"), registry=registry
        )
        self._durations = Histogram(
            "outboxbench_operation_seconds",
            "From the start of an operation to its outcome, the wait for a connection included.",
            ("command",),
            buckets=_BUCKETS_S,
            registry=registry,
        )
        self._shed = Counter(
            "outboxbench_shed_requests",
            "Requests that were turned away at once, as too many were under way.",
            registry=registry,
        )
        self._in_flight = Gauge(
            "outboxbench_operations_in_flight", "Operations under way.", registry=registry
        )
        self._in_use = Gauge(
            "outboxbench_pool_connections_in_use",
            "Operations that hold a connection of the pool.",
            registry=registry,
        )
        Gauge("outboxbench_pool_connections", "Connections of the pool.", registry=registry).set(
            pool_size
        )
        self._undelivered = Gauge(
            "outboxbench_outbox_undelivered_messages",
            "Committed messages that no relay has delivered; NaN where the database does not say.",
            registry=registry,
        )
        self._oldest_s = Gauge(
            "outboxbench_outbox_oldest_undelivered_seconds",
            "Age of the oldest of them; NaN where the database does not say.",
            registry=registry,
        )
        self._held = Gauge(
            "outboxbench_outbox_held_messages",
            "Those of them that were refused, or wait behind one that was.",
            registry=registry,
        )

    def count(self, command: str, outcome: str, seconds: float) -> None:
        """Count an operation that was answered."""
        key = command, outcome
        if key not in self._of:
            # Looked up once: each look takes a lock.
            self._of[key] = self._outcomes.labels(*key), self._durations.labels(command)
        count, duration = self._of[key]
        count.inc()
        duration.observe(seconds)

    def count_shed(self) -> None:
        """Count a request that was turned away."""
        self._shed.inc()

    def text(self, in_flight: int, in_use: int, outbox: OutboxStatus | None) -> bytes:
        """Return all of it as Prometheus reads it.

        Args:
            in_flight: operations under way.
            in_use: those of them that hold a connection.
            outbox: how it stands; None where nobody can tell.
        """
        self._in_flight.set(in_flight)
        self._in_use.set(in_use)
        self._undelivered.set(nan if outbox is None else outbox.undelivered)
        self._oldest_s.set(nan if outbox is None else outbox.oldest_s)
        self._held.set(nan if outbox is None else outbox.held)
        return generate_latest(self._registry)
