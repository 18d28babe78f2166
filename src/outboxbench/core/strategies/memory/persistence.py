"""Aggregates and messages in dictionaries, under the same rules as in the database."""

from __future__ import annotations

import asyncio
from copy import copy
from typing import TYPE_CHECKING, Any

from outboxbench.core.application.outcome import (
    FailureKind,
    PersistenceError,
    VersionConflict,
)
from outboxbench.core.application.unit_of_work import Change, TrackingUnitOfWork
from outboxbench.core.domain.ordering import Order
from outboxbench.core.domain.payments import Account
from outboxbench.core.strategies.memory.outbox import MemoryOutbox, OutboxTables, StoredMessage

if TYPE_CHECKING:
    from collections.abc import Callable
    from uuid import UUID

    from outboxbench.core.application.doorbell import Doorbell
    from outboxbench.core.application.outbox import RelayPlan
    from outboxbench.core.application.outcome import Attempt
    from outboxbench.core.strategies.settings import StrategySettings


class MemoryPersistence:
    """Everything that was committed, readable by tests."""

    def __init__(self) -> None:
        self.aggregates: dict[tuple[str, UUID], Account | Order] = {}
        self.tables = OutboxTables()

    def unit_of_work(self, attempt: Attempt) -> MemoryUnitOfWork:
        """Return a unit of work that reports its progress to `attempt`."""
        return MemoryUnitOfWork(self, attempt)

    def outbox(self, plan: RelayPlan, lease_s: float) -> MemoryOutbox:
        """Return the outbox as one relay sees it."""
        return MemoryOutbox(self.tables, lease_s, removes=plan == "delete")

    async def listen(self, ring: Callable[[], None]) -> None:
        """Call `ring` whenever messages are committed, until cancelled."""
        self.tables.listeners.append(ring)
        try:
            ring()
            await asyncio.Event().wait()
        finally:
            self.tables.listeners.remove(ring)

    async def announce(self, bell: Doorbell) -> None:
        """Ring for whoever listens each time the bell is rung, until cancelled."""
        while True:
            await bell.wait()
            bell.silence()
            for ring in self.tables.listeners:
                ring()

    async def was_committed(self, op_id: UUID) -> bool:
        """Tell whether an operation was committed."""
        return op_id in self.tables.operations

    async def close(self) -> None:
        """Do nothing: what was committed stays readable."""


async def open_persistence(settings: StrategySettings) -> MemoryPersistence:  # noqa: ARG001
    """Return an empty memory; the settings speak of a server that this has not."""
    return MemoryPersistence()


class MemoryUnitOfWork(TrackingUnitOfWork):
    """Checks everything first and then changes all at once, without awaiting in between."""

    __slots__ = ("_change", "_memory")

    def __init__(self, memory: MemoryPersistence, attempt: Attempt) -> None:
        super().__init__(attempt)
        self._memory = memory
        self._change: Change | None = None

    async def _begin(self) -> None:
        """Nothing to acquire."""

    async def _load_account(self, id: UUID) -> Account | None:
        stored = self._memory.aggregates.get((Account.aggregate_type, id))
        return _detached(stored) if isinstance(stored, Account) else None

    async def _load_order(self, id: UUID) -> Order | None:
        stored = self._memory.aggregates.get((Order.aggregate_type, id))
        return _detached(stored) if isinstance(stored, Order) else None

    async def _write(self, change: Change) -> None:
        self._change = change

    async def _commit(self) -> None:
        change = self._change
        if change is None:
            return
        aggregate = change.aggregate
        key = (aggregate.aggregate_type, aggregate.id)
        stored = self._memory.aggregates.get(key)
        if change.is_new and stored is not None:
            raise PersistenceError(
                f"there already is a {key[0]} {key[1]}", FailureKind.CONSTRAINT, answered=True
            )
        if not change.is_new and (stored is None or stored.version != aggregate.version):
            raise VersionConflict(aggregate.aggregate_type, aggregate.id, aggregate.version)
        tables = self._memory.tables
        if change.op_id in tables.operations or change.inbox in tables.inbox:
            raise PersistenceError(
                f"the operation {change.op_id} was committed before",
                FailureKind.DUPLICATE_OPERATION,
                answered=True,
            )
        committed: Any = _detached(aggregate)
        committed.version = aggregate.next_version
        self._memory.aggregates[key] = committed
        tables.operations.add(change.op_id)
        if change.inbox is not None:
            tables.inbox.add(change.inbox)
        tables.messages.extend(
            StoredMessage(change.op_id, ordinal, aggregate.aggregate_type, message)
            for ordinal, message in enumerate(change.messages)
        )
        for ring in tables.listeners:
            ring()

    async def _rollback(self) -> None:
        """Nothing was touched yet."""

    async def _release(self, *, discard: bool) -> None:
        """Nothing to give back."""

    def _translate(self, error: Exception) -> PersistenceError:
        return PersistenceError(f"{type(error).__name__}: {error}", FailureKind.OTHER)


def _detached(aggregate: Any) -> Any:
    twin = copy(aggregate)
    twin.take_events()
    if isinstance(twin, Order):
        twin.lines = dict(twin.lines)
        twin.tags = list(twin.tags)
    return twin
