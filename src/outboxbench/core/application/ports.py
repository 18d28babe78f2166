"""What the application needs of a strategy, and nothing more."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, Self, TypeVar

from outboxbench.core.domain.aggregate import Aggregate

if TYPE_CHECKING:
    from types import TracebackType
    from uuid import UUID

    from outboxbench.core.application.outcome import Attempt
    from outboxbench.core.domain.ordering import Order
    from outboxbench.core.domain.payments import Account

A = TypeVar("A", bound=Aggregate)


class Repository(Protocol[A]):
    """The aggregates of one type, as one unit of work sees them."""

    async def get(self, id: UUID) -> A:
        """Load an aggregate, whole.

        Raises:
            AggregateNotFound: there is none with this id.
            PersistenceError: it could not be read.
        """
        ...

    async def add(self, aggregate: A) -> None:
        """Have a new aggregate stored by the commit."""
        ...

    async def save(self, aggregate: A) -> None:
        """Have the changes of an aggregate that this unit of work loaded stored by the commit."""
        ...


class UnitOfWork(Protocol):
    """One transaction that changes one aggregate and stores its messages with it.

    Entered and left once. Leaving it without a commit undoes everything.
    """

    @property
    def accounts(self) -> Repository[Account]:
        """The accounts."""
        ...

    @property
    def orders(self) -> Repository[Order]:
        """The orders."""
        ...

    async def __aenter__(self) -> Self: ...

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None: ...

    async def commit(self) -> None:
        """Store the state and every message raised, together or not at all.

        Raises:
            VersionConflict: the aggregate was changed since it was read.
            CommitRefused: an earlier error made the transaction worthless.
            PersistenceError: it was not stored, or (unless `answered`) nobody knows.
        """
        ...


class Persistence(Protocol):
    """An opened strategy: a pool of connections that hands out units of work."""

    def unit_of_work(self, attempt: Attempt) -> UnitOfWork:
        """Return a unit of work that reports its progress to `attempt`."""
        ...

    async def close(self) -> None:
        """Close every connection."""
        ...
