"""A block that goes well, made by hand: to be spoilt in one way or another, and judged."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from outboxbench.analysis.history.judgement import judge as judge_history
from outboxbench.results.history import (
    AggregateLine,
    AttemptLine,
    DeliveryLine,
    FaultLine,
    Header,
    InboxLine,
    MessageLine,
    following_op_id,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from outboxbench.results.block import Check
    from outboxbench.results.history import HistoryLine

SUCCEEDED = "operations succeeded"
LOST = "no ok operation is lost"
TWICE = "no operation is applied twice"
UNDEAD = "no failed operation has an effect"
ALIEN = "every effect belongs to an attempt"
TORN = "the messages of an operation are all of one change"
OTHER = "every effect is what was asked for"
GAPS = "versions are contiguous and one-to-one with messages"
MONEY = "money is conserved"
EFFECT = "every fault took effect"
HEALED = "every fault was healed"
HELD = "what is lost is what former primaries still hold"
DELIVERED = "every committed message is delivered"
COMMITTED = "nothing is delivered that was not committed"
ORDERED = "messages of an aggregate are delivered in its order"
ONCE = "internal effects happen exactly once"
FENCED = "what is settled under a lease that has passed on is refused"

OF_OPERATIONS = (SUCCEEDED, LOST, TWICE, UNDEAD, ALIEN, TORN, OTHER)
OF_DELIVERIES = (DELIVERED, COMMITTED, ORDERED, ONCE)
ALL = (EFFECT, HEALED, *OF_OPERATIONS, GAPS, MONEY, *OF_DELIVERIES)

ACCOUNT, ORDER = "ac" * 16, "0d" * 16


def op_id(number: int) -> str:
    return f"{number:032x}"


@dataclass
class Shop:
    """A block that goes well: charges on an account, an order, and what follows from it."""

    attempts: list[AttemptLine] = field(default_factory=list)
    faults: list[FaultLine] = field(default_factory=list)
    messages: list[MessageLine] = field(default_factory=list)
    deliveries: list[DeliveryLine] = field(default_factory=list)
    inbox: list[InboxLine] = field(default_factory=list)
    versions: dict[tuple[str, str], int] = field(default_factory=dict)
    cents: int = 1_000
    is_relayed: bool = True
    _operations: int = 0

    def attempt(self, outcome: str | None, number: int = 1, **changes: Any) -> AttemptLine:
        if number == 1:
            self._operations += 1
        line = AttemptLine(
            operation=self._operations,
            attempt=number,
            op_id=op_id(self._operations),
            command="charge",
            aggregate_id=ACCOUNT,
            cents=10,
            client=0,
            due_ns=0,
            began_ns=1,
            commit_sent_ns=2,
            ended_ns=None if outcome is None else 3,
            stage=3,
            outcome=outcome,
            final=outcome,
            failure=None,
        )._replace(**changes)
        self.attempts.append(line)
        return line

    def store(
        self,
        by: str,
        aggregate: tuple[str, str] = ("account", ACCOUNT),
        ordinal: int = 0,
        *,
        topic: str = "account.charged",
        audience: int = 2,
        cents: int | None = -10,
        is_older: bool = False,
    ) -> MessageLine:
        version = self.versions.get(aggregate, 0) + (ordinal == 0)
        self.versions[aggregate] = version
        line = MessageLine(by, ordinal, *aggregate, version, topic, audience, cents, is_older)
        self.messages.append(line)
        self.cents += cents or 0
        if audience and not is_older:
            self.deliveries.append(DeliveryLine(by, ordinal, aggregate[1], version, 9))
        return line

    def charge(self) -> str:
        by = self.attempt("ok").op_id
        self.store(by)
        return by

    def place(self) -> str:
        """Place an order, which its handler charges."""
        by = self.attempt("ok", command="place", aggregate_id=ORDER, cents=0).op_id
        self.store(by, ("order", ORDER), topic="order.placed", audience=1, cents=None)
        self.store(by, ("order", ORDER), 1, topic="order.stock_requested", cents=None)
        self.store(following_op_id(by, 0))
        self.inbox.append(InboxLine("charge", by, 0))
        return by

    def lines(self) -> list[HistoryLine]:
        return [
            Header({"is_relayed": self.is_relayed}),
            *self.attempts,
            *self.faults,
            *self.deliveries,
            *self.messages,
            *(
                AggregateLine(*key, version, self.cents if key[0] == "account" else None)
                for key, version in self.versions.items()
            ),
            *self.inbox,
        ]


def sound() -> Shop:
    shop = Shop()
    shop.store("ff" * 16, topic="account.deposited", cents=0, audience=0, is_older=True)
    shop.cents = 0
    shop.charge()
    shop.place()
    shop.attempt("failed")
    shop.attempt(None, began_ns=None, commit_sent_ns=None, final="skipped", stage=0)
    shop.attempt("indeterminate")
    shop.store(shop.attempt("indeterminate").op_id)
    shop.store(shop.attempt(None).op_id)
    shop.store(shop.attempt("indeterminate", final="ok_recovered").op_id)
    first = shop.attempt("indeterminate", final=None)
    shop.attempt("failed", 2, op_id=first.op_id, final="ok_recovered")
    shop.store(first.op_id)
    shop.faults.append(FaultLine(1, "reset", 5, 6, 7, {"connections": 4}))
    return shop


def judge(shop: Shop, lines_per_pass: int = 1_000) -> tuple[Check, ...]:
    return judge_history(shop.lines, lines_per_pass).checks


def convicted(shop: Shop, lines_per_pass: int = 1_000) -> set[str]:
    return {check.name for check in judge(shop, lines_per_pass) if check.verdict != "pass"}


def check_of(shop: Shop, name: str) -> Check:
    (check,) = (check for check in judge(shop) if check.name == name)
    return check


def each_way(spoilt: Iterable[tuple[Callable[[Shop], None], str]]) -> pytest.MarkDecorator:
    """Parametrise a test by `spoil`, a way to spoil a block, and the `check` that convicts it."""
    ways = [pytest.param(*each, id=each[0].__name__.strip("_")) for each in spoilt]
    return pytest.mark.parametrize(("spoil", "check"), ways)
