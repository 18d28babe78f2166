"""What every unit of work does alike, whatever the library: what is tracked, what is refused,
which stage is reached, and when a connection can no longer be trusted.

A strategy fills in how to begin, load, write, commit, roll back and release.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, NoReturn, Self

from outboxbench.core.application.answers import NOBODY
from outboxbench.core.application.outcome import (
    CommitRefused,
    FailureKind,
    PersistenceError,
    Stage,
)
from outboxbench.core.application.tracking_repository import TrackingRepository
from outboxbench.core.domain.ordering import Order
from outboxbench.core.domain.payments import Account

if TYPE_CHECKING:
    from types import TracebackType
    from uuid import UUID

    from outboxbench.core.application.inbox import InboxEntry
    from outboxbench.core.application.outcome import Attempt
    from outboxbench.core.domain.aggregate import Aggregate
    from outboxbench.core.domain.message import Message


@dataclass(frozen=True, slots=True)
class Change:
    """What one transaction writes: an aggregate, new or changed, and its messages in order.

    `inbox` is the entry that goes with it where the change handles a message.
    """

    aggregate: Aggregate
    is_new: bool
    messages: list[Message]
    op_id: UUID
    inbox: InboxEntry | None = None


class TrackingUnitOfWork(ABC):
    """A transaction as a template: subclasses only talk to their library.

    One whose connection is watched sets `awaited` when it has acquired it, and refreshes that
    before each statement of several in a step.
    """

    __slots__ = (
        "_changed",
        "_changed_is_new",
        "_committed",
        "_failure",
        "_trusted",
        "attempt",
        "awaited",
    )

    def __init__(self, attempt: Attempt) -> None:
        self.attempt = attempt
        self.awaited = NOBODY
        self._changed: Aggregate | None = None
        self._changed_is_new = False
        self._failure: PersistenceError | None = None
        self._committed = False
        self._trusted = True

    @property
    def accounts(self) -> TrackingRepository[Account]:
        """The accounts."""
        return TrackingRepository(self, Account.aggregate_type, self._load_account)

    @property
    def orders(self) -> TrackingRepository[Order]:
        """The orders."""
        return TrackingRepository(self, Order.aggregate_type, self._load_order)

    async def __aenter__(self) -> Self:
        self.attempt.stage = Stage.ACQUIRE
        try:
            await self._begin()
        except BaseException as error:
            self.awaited.looks = None
            await self._release(discard=True)
            self.fail(error)
        self.awaited.looks = None
        self.attempt.stage = Stage.WORK
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        try:
            if not self._committed and self._trusted:
                # Trusted again only once the server has answered the rollback.
                self._trusted = False
                self.awaited.looks = 0
                await self._rollback()
                self._trusted = True
        except Exception:  # noqa: S110
            # The caller's own error matters more; this connection is closed below.
            pass
        finally:
            self.awaited.looks = None
            await self._release(discard=not self._trusted)

    async def commit(self) -> None:
        """Store the state and every message raised, together or not at all."""
        self.require_active()
        change = self._take_change()
        try:
            self.awaited.looks = 0
            if change is not None:
                await self._write(change)
            self.attempt.stage = Stage.COMMIT_SENT
            self.awaited.looks = 0
            await self._commit()
        except BaseException as error:
            self.fail(error)
        finally:
            self.awaited.looks = None
        self._committed = True
        if change is not None:
            change.aggregate.version += 1

    def track(self, aggregate: Aggregate, *, is_new: bool) -> None:
        """Note that the commit has to store this aggregate.

        Raises:
            ValueError: the unit of work already changes another aggregate.
        """
        self.require_active()
        if self._changed is None:
            self._changed = aggregate
            self._changed_is_new = is_new
        elif self._changed is not aggregate:
            raise ValueError("a unit of work changes one aggregate: open another one for the next")

    def require_active(self) -> None:
        """Refuse to go on after a failure: PostgreSQL would answer COMMIT with ROLLBACK."""
        if self._failure is not None:
            raise CommitRefused(
                f"the unit of work failed before: {self._failure}",
                self._failure.kind,
                sqlstate=self._failure.sqlstate,
                answered=self._failure.answered,
            ) from self._failure
        if self._committed:
            raise CommitRefused(
                "the unit of work is committed: open another one", FailureKind.OTHER
            )

    def fail(self, error: BaseException) -> NoReturn:
        """Note that the transaction is worthless, and raise what its caller can understand."""
        if isinstance(error, PersistenceError):
            failure = error
        elif isinstance(error, Exception):
            failure = self._translate(error)
        else:
            failure = PersistenceError(f"interrupted by {error!r}", FailureKind.OTHER)
        self._failure = failure
        if not failure.answered and (
            self.attempt.stage is Stage.COMMIT_SENT
            or failure.kind in (FailureKind.CONNECTION, FailureKind.TIMEOUT)
        ):
            self._trusted = False
        if failure is error or not isinstance(error, Exception):
            raise error
        raise failure from error

    def _take_change(self) -> Change | None:
        aggregate = self._changed
        if aggregate is None:
            return None
        messages = aggregate.take_events()
        if not messages:
            raise ValueError(
                f"{aggregate.aggregate_type} {aggregate.id} was saved but raised nothing: "
                "a change without a message cannot be told from one that never happened"
            )
        attempt = self.attempt
        return Change(aggregate, self._changed_is_new, messages, attempt.op_id, attempt.inbox)

    @abstractmethod
    async def _begin(self) -> None:
        """Acquire a connection and begin a transaction; mark `Stage.BEGIN` in between."""

    @abstractmethod
    async def _load_account(self, id: UUID) -> Account | None: ...

    @abstractmethod
    async def _load_order(self, id: UUID) -> Order | None: ...

    @abstractmethod
    async def _write(self, change: Change) -> None:
        """Write the state, then the messages; raise VersionConflict if the update hit nothing."""

    @abstractmethod
    async def _commit(self) -> None: ...

    @abstractmethod
    async def _rollback(self) -> None: ...

    @abstractmethod
    async def _release(self, *, discard: bool) -> None:
        """Give the connection back, or close it if what it would say next is unknown.

        Called once in every case, also when `_begin` failed before there was a connection.
        """

    @abstractmethod
    def _translate(self, error: Exception) -> PersistenceError:
        """Say what a library's exception means."""
