"""Notes when operations commit and when messages are delivered, around the real thing."""

from __future__ import annotations

from time import monotonic_ns, perf_counter_ns
from typing import TYPE_CHECKING, Any

from outboxbench.core.application.forwarding import ForwardingUnitOfWork

if TYPE_CHECKING:
    from collections.abc import Callable

    from outboxbench.core.application.outbox import OutboxMessage
    from outboxbench.core.application.outcome import Attempt
    from outboxbench.core.application.ports import Receiver, UnitOfWork, UnitsOfWork


class ObservedUnitsOfWork:
    """`commits` are the operations that were committed, with the moment that was known."""

    def __init__(self, units: UnitsOfWork) -> None:
        self.commits: list[tuple[Any, ...]] = []
        self._units = units

    def unit_of_work(self, attempt: Attempt) -> UnitOfWork:
        """Return a unit of work that is noted when it commits."""
        return _ObservedUnitOfWork(self._units.unit_of_work(attempt), attempt, self.commits)


class _ObservedUnitOfWork(ForwardingUnitOfWork):
    def __init__(self, unit: UnitOfWork, attempt: Attempt, commits: list[tuple[Any, ...]]) -> None:
        super().__init__(unit)
        self._attempt = attempt
        self._commits = commits

    async def commit(self) -> None:
        await super().commit()
        self._commits.append((self._attempt.op_id.bytes, monotonic_ns()))


class ObservedReceiver:
    """`deliveries` is what was confirmed. It may be slow: a core is busy for so long each time."""

    def __init__(self, receiver: Receiver, busy_us: float) -> None:
        self.deliveries: list[tuple[Any, ...]] = []
        self._receiver = receiver
        self._busy_ns = round(busy_us * 1000)
        self._enough = -1
        self._call: Callable[[], None] = lambda: None

    def call_after(self, deliveries: int, call: Callable[[], None]) -> None:
        """Have something called once so many messages were delivered."""
        self._enough, self._call = deliveries, call

    async def deliver(self, message: OutboxMessage) -> None:
        """Deliver a message and note it."""
        handed_ns = monotonic_ns()
        if self._busy_ns:
            until_ns = perf_counter_ns() + self._busy_ns
            while perf_counter_ns() < until_ns:
                pass
        await self._receiver.deliver(message)
        self.deliveries.append(
            (
                message.op_id.bytes,
                message.ordinal,
                message.aggregate_id.bytes,
                message.version,
                handed_ns,
                monotonic_ns(),
            )
        )
        if len(self.deliveries) == self._enough:
            self._call()
