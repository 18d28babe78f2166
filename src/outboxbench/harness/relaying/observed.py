"""Notes when operations commit and when messages are delivered, around the real thing."""

from __future__ import annotations

from time import monotonic_ns, perf_counter_ns
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from types import TracebackType

    from outboxbench.core.application.outbox import OutboxMessage
    from outboxbench.core.application.outcome import Attempt
    from outboxbench.core.application.ports import Receiver, Repository, UnitOfWork, UnitsOfWork
    from outboxbench.core.domain.ordering import Order
    from outboxbench.core.domain.payments import Account


class ObservedUnitsOfWork:
    """`commits` are the operations that were committed, with the moment that was known."""

    def __init__(self, units: UnitsOfWork) -> None:
        self.commits: list[tuple[Any, ...]] = []
        self._units = units

    def unit_of_work(self, attempt: Attempt) -> UnitOfWork:
        """Return a unit of work that is noted when it commits."""
        return _ObservedUnitOfWork(self._units.unit_of_work(attempt), attempt, self.commits)


class _ObservedUnitOfWork:
    def __init__(self, unit: UnitOfWork, attempt: Attempt, commits: list[tuple[Any, ...]]) -> None:
        self._unit = unit
        self._attempt = attempt
        self._commits = commits

    @property
    def accounts(self) -> Repository[Account]:
        return self._unit.accounts

    @property
    def orders(self) -> Repository[Order]:
        return self._unit.orders

    async def __aenter__(self) -> Self:
        await self._unit.__aenter__()
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._unit.__aexit__(exc_type, exc, traceback)

    async def commit(self) -> None:
        await self._unit.commit()
        self._commits.append((self._attempt.op_id.bytes, monotonic_ns()))


class ObservedReceiver:
    """`deliveries` is what was confirmed. It may be slow: a core is busy for so long each time."""

    def __init__(self, receiver: Receiver, busy_us: float) -> None:
        self.deliveries: list[tuple[Any, ...]] = []
        self._receiver = receiver
        self._busy_ns = round(busy_us * 1000)

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
