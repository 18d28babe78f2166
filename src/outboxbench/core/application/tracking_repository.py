"""The repository of every unit of work, whatever the library: it loads, and notes what to store."""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, TypeVar

from outboxbench.core.application.outcome import AggregateNotFound
from outboxbench.core.domain.aggregate import Aggregate

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from uuid import UUID

    from outboxbench.core.application.unit_of_work import TrackingUnitOfWork

A = TypeVar("A", bound=Aggregate)


class TrackingRepository(Generic[A]):
    """A repository that notes what is added and saved, for the commit to write."""

    __slots__ = ("_aggregate_type", "_load", "_unit")

    def __init__(
        self,
        unit: TrackingUnitOfWork,
        aggregate_type: str,
        load: Callable[[UUID], Awaitable[A | None]],
    ) -> None:
        self._unit = unit
        self._aggregate_type = aggregate_type
        self._load = load

    async def get(self, id: UUID) -> A:
        """Load an aggregate, whole."""
        unit = self._unit
        unit.require_active()
        try:
            unit.awaited.looks = 0
            aggregate = await self._load(id)
        except BaseException as error:
            unit.fail(error)
        finally:
            unit.awaited.looks = None
        if aggregate is None:
            raise AggregateNotFound(self._aggregate_type, id)
        return aggregate

    async def add(self, aggregate: A) -> None:
        """Have a new aggregate stored by the commit."""
        self._unit.track(aggregate, is_new=True)

    async def save(self, aggregate: A) -> None:
        """Have the changes of a loaded aggregate stored by the commit."""
        self._unit.track(aggregate, is_new=False)
