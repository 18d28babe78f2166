"""What was read from the log and is not settled yet: by aggregate, and by transaction.

Each aggregate has a queue in commit order, whose front is claimed while it is on its way. The
position that may be confirmed is the end of the last transaction before the first of which any
message is still here.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from itertools import islice
from time import monotonic
from typing import TYPE_CHECKING, TypeAlias
from uuid import UUID

from outboxbench.core.application.outbox import Run

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from outboxbench.core.application.outbox import Lease, OutboxMessage
    from outboxbench.core.replication.transactions import CommittedMessages

AggregateKey: TypeAlias = tuple[str, UUID]


@dataclass(slots=True)
class _Transaction:
    """`open` counts its messages that are neither delivered nor parked."""

    end_lsn: int
    open: int
    read_s: float


@dataclass(slots=True)
class _Aggregate:
    """`is_parked` while older messages are in the table: then the queue follows them there."""

    queue: deque[tuple[OutboxMessage, _Transaction]] = field(default_factory=deque)
    is_claimed: bool = False
    is_parked: bool = False


class Backlog:
    """Messages of one stream. `parked` are the aggregates with messages in the table."""

    def __init__(self, parked: Iterable[AggregateKey] = ()) -> None:
        self.messages = 0
        self.position = 0
        """The LSN before which nothing is needed any more."""
        self._transactions: deque[_Transaction] = deque()
        self._aggregates = {key: _Aggregate(is_parked=True) for key in parked}
        # Aggregates whose queue may be claimed, in turn; a dictionary for its order.
        self._ready: dict[AggregateKey, None] = {}
        self._parked = dict.fromkeys(self._aggregates)
        self._arrivals: dict[AggregateKey, None] = {}

    @property
    def has_ready(self) -> bool:
        """Whether something could be claimed, or parked so that it can be."""
        return bool(self._ready or self._arrivals)

    @property
    def aggregates(self) -> int:
        """How many aggregates have messages here that are not parked."""
        return sum(1 for each in self._aggregates.values() if each.queue)

    @property
    def oldest_s(self) -> float:
        """For how long the oldest message has been here."""
        return monotonic() - self._transactions[0].read_s if self._transactions else 0.0

    def take(self, committed: CommittedMessages) -> None:
        """Add what a transaction has committed."""
        messages = committed.messages
        transaction = _Transaction(committed.end_lsn, len(messages), monotonic())
        self._transactions.append(transaction)
        for message in messages:
            key = (message.aggregate_type, message.aggregate_id)
            aggregate = self._aggregates.setdefault(key, _Aggregate())
            aggregate.queue.append((message, transaction))
            if aggregate.is_parked:
                self._arrivals[key] = None
            elif not aggregate.is_claimed:
                self._ready[key] = None
        self.messages += len(messages)
        self._advance()

    def idle(self, lsn: int) -> None:
        """Note that the log was read so far, between two transactions."""
        if not self._transactions:
            self.position = max(self.position, lsn)

    def claim(self, limit: int, lease: Lease) -> list[Run]:
        """Claim the front of the queues that are free, in turn and about `limit` messages."""
        share = max(1, limit // max(1, len(self._ready)))
        runs: list[Run] = []
        while self._ready and limit > 0:
            key = next(iter(self._ready))
            del self._ready[key]
            aggregate = self._aggregates[key]
            aggregate.is_claimed = True
            number = min(share, limit, len(aggregate.queue))
            messages = [message for message, _ in islice(aggregate.queue, number)]
            runs.append(Run(*key, lease, messages))
            limit -= number
        return runs

    def settle(self, key: AggregateKey, delivered: int) -> None:
        """Note how many of a run from the log were delivered, and give its aggregate back."""
        aggregate = self._aggregates[key]
        aggregate.is_claimed = False
        self._remove(aggregate, delivered)
        self._offer(key, aggregate)

    def is_parked(self, key: AggregateKey) -> bool:
        """Tell whether messages of an aggregate are in the table."""
        return key in self._parked

    def queued(self, key: AggregateKey) -> Sequence[OutboxMessage]:
        """Return all that is here of an aggregate, what is claimed included."""
        return [message for message, _ in self._aggregates[key].queue]

    def arrivals(self) -> Mapping[AggregateKey, Sequence[OutboxMessage]]:
        """Return what has come for aggregates that are parked, to be parked behind them."""
        return {key: self.queued(key) for key in self._arrivals}

    def park(self, key: AggregateKey, number: int) -> None:
        """Note that so many from the front are in the table; what follows has to go there too."""
        aggregate = self._aggregates[key]
        aggregate.is_parked = True
        self._parked[key] = None
        self._remove(aggregate, number)
        if aggregate.queue:
            self._arrivals[key] = None
        else:
            self._arrivals.pop(key, None)

    def parked_and_free(self) -> list[AggregateKey]:
        """Return the aggregates that are parked, and of which nothing is on its way."""
        return [key for key in self._parked if not self._aggregates[key].is_claimed]

    def claim_parked(self, key: AggregateKey) -> None:
        """Note that messages of a parked aggregate are on their way."""
        self._aggregates[key].is_claimed = True

    def release_parked(self, key: AggregateKey, *, is_empty: bool) -> None:
        """Give a parked aggregate back; where nothing is left in the table it flows again."""
        aggregate = self._aggregates[key]
        aggregate.is_claimed = False
        if is_empty:
            aggregate.is_parked = False
            del self._parked[key]
            self._arrivals.pop(key, None)
            self._offer(key, aggregate)

    def _offer(self, key: AggregateKey, aggregate: _Aggregate) -> None:
        if aggregate.queue:
            self._ready[key] = None
        else:
            del self._aggregates[key]

    def _remove(self, aggregate: _Aggregate, number: int) -> None:
        for _ in range(number):
            _, transaction = aggregate.queue.popleft()
            transaction.open -= 1
        self.messages -= number
        self._advance()

    def _advance(self) -> None:
        while self._transactions and not self._transactions[0].open:
            self.position = max(self.position, self._transactions.popleft().end_lsn)
