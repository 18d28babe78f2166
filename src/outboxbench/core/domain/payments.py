"""Accounts: money that is deposited and charged, and never negative."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Self

from outboxbench.core.domain.aggregate import Aggregate, Refused
from outboxbench.core.domain.message import (
    Audience,
    Command,
    InternalMessage,
    Message,
    State,
    integer_of,
    uuid_of,
)

if TYPE_CHECKING:
    from collections.abc import Mapping
    from uuid import UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenAccount(Command):
    """Open an account with nothing in it."""

    account_id: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class Deposit(Command):
    """Put money into an account."""

    account_id: UUID
    amount_cents: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ChargeAccount(Command):
    """Take the price of an order from an account."""

    account_id: UUID
    order_id: UUID
    amount_cents: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountOpened(Message):
    """An account exists."""

    topic: ClassVar[str] = "account.opened"
    audience: ClassVar[Audience] = Audience.EXTERNAL

    def state(self) -> State:
        """Return an empty state: that it was opened is all there is to say."""
        return {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Deposited(Message):
    """Money came in; kept for the record alone."""

    topic: ClassVar[str] = "account.deposited"
    audience: ClassVar[Audience] = Audience.NOBODY

    amount_cents: int
    balance_cents: int

    def state(self) -> State:
        """Return the amount and the balance after it."""
        return {"amount_cents": self.amount_cents, "balance_cents": self.balance_cents}


@dataclass(frozen=True, slots=True, kw_only=True)
class _ChargeAnswered(InternalMessage):
    """Base of the two answers that a charge can have."""

    audience: ClassVar[Audience] = Audience.INTERNAL

    order_id: UUID
    amount_cents: int
    balance_cents: int

    def state(self) -> State:
        """Return the order, its price, and the balance after the answer."""
        return {
            "order_id": str(self.order_id),
            "amount_cents": self.amount_cents,
            "balance_cents": self.balance_cents,
        }

    @classmethod
    def from_state(cls, aggregate_id: UUID, version: int, state: Mapping[str, object]) -> Self:
        """Read the message back."""
        return cls(
            aggregate_id=aggregate_id,
            version=version,
            order_id=uuid_of(state, "order_id"),
            amount_cents=integer_of(state, "amount_cents"),
            balance_cents=integer_of(state, "balance_cents"),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountCharged(_ChargeAnswered):
    """An order was paid for."""

    topic: ClassVar[str] = "account.charged"


@dataclass(frozen=True, slots=True, kw_only=True)
class ChargeRejected(_ChargeAnswered):
    """An order could not be paid for: the balance does not cover it."""

    topic: ClassVar[str] = "account.charge_rejected"


class Account(Aggregate):
    """A balance in cents that is never negative."""

    __slots__ = ("balance_cents",)

    aggregate_type: ClassVar[str] = "account"

    def __init__(self, id: UUID, balance_cents: int, version: int = 0) -> None:
        super().__init__(id, version)
        self.balance_cents = balance_cents

    @classmethod
    def open(cls, id: UUID) -> Account:
        """Open an account with nothing in it."""
        account = cls(id, balance_cents=0)
        account.raise_event(AccountOpened(aggregate_id=id, version=account.next_version))
        return account

    def deposit(self, amount_cents: int) -> None:
        """Put money in.

        Raises:
            Refused: the amount is not positive.
        """
        require_positive(amount_cents)
        self.balance_cents += amount_cents
        self.raise_event(
            Deposited(
                aggregate_id=self.id,
                version=self.next_version,
                amount_cents=amount_cents,
                balance_cents=self.balance_cents,
            )
        )

    def charge(self, order_id: UUID, amount_cents: int) -> None:
        """Take the price of an order, or reject it when the balance is too low.

        A rejection is an answer that the order waits for, so it is an event and no error.

        Raises:
            Refused: the amount is not positive.
        """
        require_positive(amount_cents)
        outcome: type[AccountCharged | ChargeRejected]
        if amount_cents <= self.balance_cents:
            self.balance_cents -= amount_cents
            outcome = AccountCharged
        else:
            outcome = ChargeRejected
        self.raise_event(
            outcome(
                aggregate_id=self.id,
                version=self.next_version,
                order_id=order_id,
                amount_cents=amount_cents,
                balance_cents=self.balance_cents,
            )
        )


def require_positive(amount: int) -> None:
    """Refuse an amount or a quantity of zero or less."""
    if amount <= 0:
        raise Refused(f"an amount must be positive, not {amount}")
