"""What storage holds, in one form for every strategy, to be set against what the domain says."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable
    from uuid import UUID

    from outboxbench.core.domain.aggregate import Aggregate
    from outboxbench.core.domain.message import Message, State
    from outboxbench.core.domain.ordering import Order, OrderLine
    from outboxbench.core.domain.payments import Account


@dataclass(frozen=True, slots=True)
class StoredAccount:
    """An account as it is stored."""

    id: UUID
    version: int
    balance_cents: int


@dataclass(frozen=True, slots=True)
class StoredOrder:
    """An order as it is stored, its lines in the order of their numbers."""

    id: UUID
    version: int
    account_id: UUID
    status: str
    tags: tuple[str, ...]
    lines: tuple[OrderLine, ...]

    @property
    def total_cents(self) -> int:
        """The price of all lines."""
        return sum(line.total_cents for line in self.lines)


@dataclass(frozen=True, slots=True)
class StoredMessage:
    """A message as the outbox holds it."""

    op_id: UUID
    ordinal: int
    aggregate_type: str
    aggregate_id: UUID
    version: int
    topic: str
    audience: int
    state: State


def stored_account(account: Account) -> StoredAccount:
    """Return how an account would be stored at the version that it has."""
    return StoredAccount(account.id, account.version, account.balance_cents)


def stored_order(order: Order) -> StoredOrder:
    """Return how an order would be stored at the version that it has."""
    return StoredOrder(
        order.id,
        order.version,
        order.account_id,
        order.status.value,
        tuple(order.tags),
        tuple(line for _, line in sorted(order.lines.items())),
    )


def stored_messages(
    op_id: UUID, aggregate: Aggregate, messages: Iterable[Message]
) -> list[StoredMessage]:
    """Return how the messages of one operation would be stored, in the order they were raised."""
    return [
        StoredMessage(
            op_id,
            ordinal,
            aggregate.aggregate_type,
            message.aggregate_id,
            message.version,
            message.topic,
            message.audience.value,
            message.state(),
        )
        for ordinal, message in enumerate(messages)
    ]
