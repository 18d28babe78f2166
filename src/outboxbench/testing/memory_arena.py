"""The arena of the reference strategy, which keeps everything in dictionaries."""

from __future__ import annotations

from typing import TYPE_CHECKING

from outboxbench.core.domain.ordering import Order
from outboxbench.core.domain.payments import Account
from outboxbench.core.strategies.memory.persistence import MemoryPersistence
from outboxbench.testing.stored import StoredMessage, stored_account, stored_order

if TYPE_CHECKING:
    from uuid import UUID

    from outboxbench.core.application.inbox import InboxEntry
    from outboxbench.core.application.outbox import RelayPlan
    from outboxbench.testing.stored import StoredAccount, StoredOrder


class MemoryArena:
    """One memory, which every opening shares."""

    def __init__(self) -> None:
        self._memory = MemoryPersistence()

    async def open(self) -> MemoryPersistence:
        """Return the memory."""
        return self._memory

    async def account(self, id: UUID) -> StoredAccount | None:
        """Return what is committed of an account."""
        account = self._memory.aggregates.get((Account.aggregate_type, id))
        return stored_account(account) if isinstance(account, Account) else None

    async def order(self, id: UUID) -> StoredOrder | None:
        """Return what is committed of an order."""
        order = self._memory.aggregates.get((Order.aggregate_type, id))
        return stored_order(order) if isinstance(order, Order) else None

    async def messages(self, op_id: UUID) -> list[StoredMessage]:
        """Return the committed messages of an operation, by ordinal."""
        return [message for message in self._outbox() if message.op_id == op_id]

    async def messages_about(self, aggregate_id: UUID) -> list[StoredMessage]:
        """Return the committed messages of an aggregate, by version and ordinal."""
        return [message for message in self._outbox() if message.aggregate_id == aggregate_id]

    async def inbox(self) -> set[InboxEntry]:
        """Return every committed inbox entry."""
        return set(self._memory.tables.inbox)

    async def prepare_relay(self, plan: RelayPlan) -> None:
        """Do nothing: no plan needs anything."""

    def _outbox(self) -> list[StoredMessage]:
        return [
            StoredMessage(
                stored.op_id,
                stored.ordinal,
                stored.aggregate_type,
                stored.message.aggregate_id,
                stored.message.version,
                stored.message.topic,
                stored.message.audience.value,
                stored.message.state(),
            )
            for stored in self._memory.tables.messages
        ]
