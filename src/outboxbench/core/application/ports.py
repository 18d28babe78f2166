"""What the application needs of a strategy, and nothing more."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, Self, TypeVar

from outboxbench.core.domain.aggregate import Aggregate

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import TracebackType
    from uuid import UUID

    from outboxbench.core.application.doorbell import Doorbell
    from outboxbench.core.application.inbox import InboxEntry
    from outboxbench.core.application.outbox import (
        OutboxMessage,
        OutboxStatus,
        RelayPlan,
        Run,
        Settled,
        Settlement,
    )
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


class Outbox(Protocol):
    """The committed messages, to those who deliver them.

    Each method is one transaction or a few, none of which is open when it returns; each raises
    PersistenceError where storage cannot be reached or refuses.
    """

    async def claim(self, limit: int) -> Sequence[Run]:
        """Lease undelivered messages, about `limit` of them, that nobody else holds.

        A run is of one aggregate and starts with its oldest undelivered message. An aggregate is
        left out while it is leased to another, or its oldest message waits for its next attempt.
        """
        ...

    async def settle(self, settlements: Sequence[Settlement]) -> Settled:
        """Note what was delivered and what was refused, and give the leases back.

        A run whose lease has gone to another relay since is left as it is, and reported.
        """
        ...

    async def renew(self, tokens: Sequence[int]) -> Sequence[int]:
        """Extend leases that are still ours, and return their tokens."""
        ...

    async def was_handled(self, entry: InboxEntry) -> bool:
        """Tell whether a handler has committed its effect of a message."""
        ...

    async def status(self) -> OutboxStatus:
        """Return how the outbox stands."""
        ...

    async def redrive(self, aggregate_id: UUID | None = None) -> int:
        """Let what was refused be tried again at once, of one aggregate or of all; return how many.

        They start with a clean slate, dead ones too.
        """
        ...

    async def tidy(self, keep_s: float, limit: int) -> int:
        """Remove at most `limit` records of what was settled `keep_s` ago; return how many."""
        ...

    async def close(self) -> None:
        """Give back what is held beyond a claim."""
        ...


class Receiver(Protocol):
    """Takes whatever an outbox holds."""

    async def deliver(self, message: OutboxMessage) -> None:
        """Return once everybody who is to hear of a message has it.

        Raises:
            MessageRefused: somebody will not take this message.
            Unavailable: somebody cannot be reached.
        """
        ...


class Broker(Protocol):
    """Takes messages for the world outside."""

    async def publish(self, message: OutboxMessage) -> None:
        """Return once the broker has confirmed the message.

        Raises:
            MessageRefused: the broker will not take this message.
            Unavailable: the broker cannot be reached, or did not confirm in time.
        """
        ...

    async def close(self) -> None:
        """Disconnect."""
        ...


class UnitsOfWork(Protocol):
    """Hands out units of work."""

    def unit_of_work(self, attempt: Attempt) -> UnitOfWork:
        """Return a unit of work that reports its progress to `attempt`."""
        ...


class Persistence(UnitsOfWork, Protocol):
    """An opened strategy: a pool of connections, for units of work and for a relay."""

    def outbox(self, plan: RelayPlan, lease_s: float) -> Outbox:
        """Return the outbox as one relay sees it, who holds what it claims for `lease_s`."""
        ...

    async def listen(self, ring: Callable[[], None]) -> None:
        """Call `ring` whenever a transaction has committed messages, until cancelled.

        Raises:
            PersistenceError: the connection is lost, and notifications with it.
        """
        ...

    async def announce(self, bell: Doorbell) -> None:
        """Ring for whoever listens each time the bell is rung, until cancelled.

        Raises:
            PersistenceError: the connection is lost, perhaps with a ring that nobody heard.
        """
        ...

    async def was_committed(self, op_id: UUID) -> bool:
        """Tell whether an operation is in the database, as far as a new transaction sees.

        Raises:
            PersistenceError: nobody can tell now.
        """
        ...

    async def close(self) -> None:
        """Close every connection."""
        ...
