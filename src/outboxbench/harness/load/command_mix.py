"""What the clients ask for. Each mix is a stream of commands that a seed determines."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING, Any, ClassVar
from uuid import UUID

from outboxbench.core.domain.ordering import AmendOrderLine, OrderLine, PlaceOrder
from outboxbench.core.domain.payments import ChargeAccount
from outboxbench.harness.load.dataset import LINES_PER_ORDER, Dataset, account_ids, order_ids

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from outboxbench.core.domain.message import Command

HIGHEST_CHARGE_CENTS = 10_000
_BASKETS = 64


@dataclass(slots=True)  # not frozen: that would triple what it costs to make one
class Request:
    """A command, the `op_id` it runs under, and what the database should show of it."""

    name: str
    command: Command
    op_id: UUID
    charged_cents: int = 0

    @property
    def aggregate_id(self) -> UUID:
        """What the command changes."""
        command: Any = self.command
        if isinstance(command, PlaceOrder | AmendOrderLine):
            return command.order_id
        account_id: UUID = command.account_id
        return account_id


class CommandMix:
    """An endless stream of requests for one client."""

    SHARES: ClassVar[Mapping[str, Mapping[str, int]]] = {
        "charge": {"charge": 1},
        "place": {"place": 1},
        "amend": {"amend": 1},
        "mixed": {"charge": 50, "place": 30, "amend": 20},
        "hot": {"charge": 50, "charge_hot": 50},
    }
    """The mixes, and how often each of their commands comes, relative to the others."""

    TOPICS: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "charge": ("account.charged",),
        "charge_hot": ("account.charged",),
        "place": ("order.placed", "order.stock_requested"),
        "amend": ("order.line_changed",),
    }
    """The messages that each command leaves when it is committed."""

    COMMANDS: ClassVar[tuple[str, ...]] = tuple(TOPICS)
    """All commands; a record names one by its place among them."""

    def __init__(self, name: str, dataset: Dataset, seed: str) -> None:
        self._random = Random(seed)  # noqa: S311 - load, no secret
        self._accounts = account_ids(dataset.accounts)
        self._orders = order_ids(dataset.orders)
        self._baskets = [self._basket() for _ in range(_BASKETS)]
        makers: dict[str, Callable[[], Request]] = {
            "charge": self._charge,
            "charge_hot": self._charge_hot,
            "place": self._place,
            "amend": self._amend,
        }
        self._makers = [makers[command] for command in self.SHARES[name]]
        # A deck to draw from: one multiplication a request, whatever the mix.
        self._deck = [
            makers[command] for command, share in self.SHARES[name].items() for _ in range(share)
        ]

    def next(self) -> Request:
        """Return the next request."""
        deck = self._deck
        return deck[int(self._random.random() * len(deck))]()

    def one_of_each(self) -> list[Request]:
        """Return a request for every command of the mix."""
        return [make() for make in self._makers]

    def _charge(self) -> Request:
        accounts = self._accounts
        account = accounts[int(self._random.random() * len(accounts))]
        return self._charge_of(account, "charge")

    def _charge_hot(self) -> Request:
        # One account for all clients: who reads it is seldom the only one.
        return self._charge_of(self._accounts[0], "charge_hot")

    def _charge_of(self, account: UUID, name: str) -> Request:
        draw = self._random.random
        amount_cents = 1 + int(draw() * HIGHEST_CHARGE_CENTS)
        orders = self._orders
        command = ChargeAccount(
            account_id=account,
            order_id=orders[int(draw() * len(orders))],
            amount_cents=amount_cents,
        )
        return Request(name, command, self._uuid(), amount_cents)

    def _place(self) -> Request:
        draw = self._random.random
        accounts = self._accounts
        command = PlaceOrder(
            order_id=self._uuid(),
            account_id=accounts[int(draw() * len(accounts))],
            lines=self._baskets[int(draw() * _BASKETS)],
            tags=("benchmark", "web"),
        )
        return Request("place", command, self._uuid())

    def _amend(self) -> Request:
        draw = self._random.random
        orders = self._orders
        command = AmendOrderLine(
            order_id=orders[int(draw() * len(orders))],
            line_no=1 + int(draw() * LINES_PER_ORDER),
            # From a range so wide that a line hardly ever gets the quantity that it has, and all
            # of them of one type: psycopg prepares a statement for each that a number may need.
            quantity=100_000 + int(draw() * 1_000_000),
        )
        return Request("amend", command, self._uuid())

    def _uuid(self) -> UUID:
        return UUID(int=self._random.getrandbits(128))

    def _basket(self) -> tuple[OrderLine, ...]:
        return tuple(
            OrderLine(
                line_no,
                f"sku-{self._random.randrange(1000):04d}",
                self._random.randrange(1, 10),
                self._random.randrange(100, 10_000),
            )
            for line_no in range(1, LINES_PER_ORDER + 1)
        )
