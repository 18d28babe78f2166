"""Where a strategy is put to the test: how it is opened, and what it stored, read past it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from uuid import UUID

    from outboxbench.core.application.inbox import InboxEntry
    from outboxbench.core.application.outbox import RelayPlan
    from outboxbench.core.application.ports import Persistence
    from outboxbench.testing.stored import StoredAccount, StoredMessage, StoredOrder


class Arena(Protocol):
    """One strategy over storage that nobody else uses. Empty when a test begins."""

    async def open(self) -> Persistence:
        """Open the strategy; it is closed at the end of the test."""
        ...

    async def account(self, id: UUID) -> StoredAccount | None:
        """Return what is committed of an account."""
        ...

    async def order(self, id: UUID) -> StoredOrder | None:
        """Return what is committed of an order."""
        ...

    async def messages(self, op_id: UUID) -> list[StoredMessage]:
        """Return the committed messages of an operation, by ordinal."""
        ...

    async def inbox(self) -> set[InboxEntry]:
        """Return every committed inbox entry."""
        ...

    async def prepare_relay(self, plan: RelayPlan) -> None:
        """Make what relays of this plan need, with commits announced to whoever listens."""
        ...

    async def messages_about(self, aggregate_id: UUID) -> list[StoredMessage]:
        """Return the committed messages of an aggregate, by version and ordinal."""
        ...
