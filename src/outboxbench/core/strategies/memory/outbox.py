"""The outbox in dictionaries, under the same rules as in the database; shards are leases here."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from time import monotonic
from typing import TYPE_CHECKING, TypeAlias
from uuid import UUID

from outboxbench.core.application.outbox import (
    Lease,
    OutboxMessage,
    OutboxStatus,
    Refusal,
    RefusedMessage,
    Run,
    Settled,
)
from outboxbench.core.strategies.rows import encode_state

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from outboxbench.core.application.inbox import InboxEntry
    from outboxbench.core.application.outbox import Settlement
    from outboxbench.core.domain.message import Message

AggregateKey: TypeAlias = tuple[str, UUID]


@dataclass(slots=True)
class StoredMessage:
    """A message as the outbox holds it; times are those of the monotonic clock, in seconds."""

    op_id: UUID
    ordinal: int
    aggregate_type: str
    message: Message
    created_s: float = field(default_factory=monotonic)
    delivered_s: float | None = None

    @property
    def key(self) -> AggregateKey:
        """The aggregate."""
        return (self.aggregate_type, self.message.aggregate_id)

    @property
    def place(self) -> tuple[int, int]:
        """Where it stands in the history of its aggregate."""
        return (self.message.version, self.ordinal)

    def to_deliver(self) -> OutboxMessage:
        """Return the message as a relay sees it."""
        return OutboxMessage(
            self.op_id,
            self.ordinal,
            self.aggregate_type,
            self.message.aggregate_id,
            self.message.version,
            self.message.topic,
            self.message.audience.value,
            encode_state(self.message.state()),
        )


@dataclass(slots=True)
class _Held:
    """A message that was refused, and when it may be tried again; None is never."""

    message: OutboxMessage
    refusals: int
    next_attempt_s: float | None
    reason: str


@dataclass(slots=True)
class OutboxTables:
    """What the tables of the outbox hold."""

    messages: list[StoredMessage] = field(default_factory=list)
    operations: set[UUID] = field(default_factory=set)
    inbox: set[InboxEntry] = field(default_factory=set)
    leases: dict[AggregateKey, tuple[int, float]] = field(default_factory=dict)
    held: dict[AggregateKey, _Held] = field(default_factory=dict)
    tokens: Iterator[int] = field(default_factory=lambda: count(1))
    listeners: list[Callable[[], None]] = field(default_factory=list)

    def undelivered(self) -> dict[AggregateKey, list[StoredMessage]]:
        """Return what is to be delivered, by aggregate and there in the order of its history."""
        found: dict[AggregateKey, list[StoredMessage]] = {}
        for stored in sorted(self.messages, key=lambda each: each.place):
            if stored.delivered_s is None and stored.message.audience:
                found.setdefault(stored.key, []).append(stored)
        return found


class MemoryOutbox:
    """Leases aggregates to relays of one process."""

    def __init__(self, tables: OutboxTables, lease_s: float, *, removes: bool) -> None:
        self._tables = tables
        self._lease_s = lease_s
        self._removes = removes

    async def claim(self, limit: int) -> Sequence[Run]:
        """Lease aggregates that are free."""
        tables, now_s = self._tables, monotonic()
        lease = Lease(next(tables.tokens))
        runs: list[Run] = []
        for key, stored in tables.undelivered().items():
            if limit <= 0:
                break
            if tables.leases.get(key, (0, 0.0))[1] > now_s or self._is_held(key, now_s):
                continue
            tables.leases[key] = (lease.token, now_s + self._lease_s)
            messages = [each.to_deliver() for each in stored[:limit]]
            held = tables.held.get(key)
            runs.append(Run(*key, lease, messages, held.refusals if held else 0))
            limit -= len(messages)
        return runs

    async def settle(self, settlements: Sequence[Settlement]) -> Settled:
        """Note what was delivered and what was refused, and give the leases back."""
        tables, lost = self._tables, []
        for settlement in settlements:
            run = settlement.run
            key = (run.aggregate_type, run.aggregate_id)
            if tables.leases.get(key, (0, 0.0))[0] != run.lease.token:
                lost.append(run)
                continue
            del tables.leases[key]
            self._deliver(key, settlement)
            if settlement.refusal is not None:
                self._hold(key, run.messages[settlement.delivered], settlement.refusal)
        return Settled(lost, has_more=bool(tables.undelivered()))

    async def renew(self, tokens: Sequence[int]) -> Sequence[int]:
        """Extend leases that are still ours, and return their tokens."""
        leases, until_s = self._tables.leases, monotonic() + self._lease_s
        ours = {key: token for key, (token, _) in leases.items() if token in tokens}
        leases.update((key, (token, until_s)) for key, token in ours.items())
        return list(set(ours.values()))

    async def was_handled(self, entry: InboxEntry) -> bool:
        """Tell whether a handler has committed its effect of a message."""
        return entry in self._tables.inbox

    async def status(self) -> OutboxStatus:
        """Return how the outbox stands."""
        undelivered = self._tables.undelivered()
        waiting = [stored for messages in undelivered.values() for stored in messages]
        oldest_s = min((stored.created_s for stored in waiting), default=monotonic())
        return OutboxStatus(
            undelivered=len(waiting),
            oldest_s=monotonic() - oldest_s,
            aggregates=len(undelivered),
            held=sum(len(undelivered.get(key, ())) for key in self._tables.held),
            refused=[_refused(held) for held in self._tables.held.values()],
        )

    async def redrive(self, aggregate_id: UUID | None = None) -> int:
        """Let what was refused be tried again at once; return how many messages that are."""
        held = self._tables.held
        chosen = [key for key in held if aggregate_id in (None, key[1])]
        for key in chosen:
            del held[key]
        return len(chosen)

    async def tidy(self, keep_s: float, limit: int) -> int:
        """Remove what was settled `keep_s` ago, at most `limit` messages."""
        before_s = monotonic() - keep_s
        old = [stored for stored in self._tables.messages if _settled_s(stored) < before_s][:limit]
        self._tables.messages = [each for each in self._tables.messages if each not in old]
        return len(old)

    async def close(self) -> None:
        """Nothing is held beyond a claim."""

    def _deliver(self, key: AggregateKey, settlement: Settlement) -> None:
        tables = self._tables
        for stored in tables.undelivered().get(key, ()):
            if stored.place <= settlement.watermark:
                stored.delivered_s = monotonic()
                if self._removes:
                    tables.messages.remove(stored)
        held = tables.held.get(key)
        if held and (held.message.version, held.message.ordinal) <= settlement.watermark:
            del tables.held[key]

    def _hold(self, key: AggregateKey, message: OutboxMessage, refusal: Refusal) -> None:
        retry_in_s = refusal.retry_in_s
        self._tables.held[key] = _Held(
            message,
            refusal.refusals,
            None if retry_in_s is None else monotonic() + retry_in_s,
            refusal.reason,
        )

    def _is_held(self, key: AggregateKey, now_s: float) -> bool:
        held = self._tables.held.get(key)
        return held is not None and (held.next_attempt_s is None or held.next_attempt_s > now_s)


def _settled_s(stored: StoredMessage) -> float:
    if not stored.message.audience:
        return stored.created_s
    return float("inf") if stored.delivered_s is None else stored.delivered_s


def _refused(held: _Held) -> RefusedMessage:
    message, next_attempt_at = held.message, None
    if held.next_attempt_s is not None:
        next_attempt_at = datetime.now(UTC) + timedelta(seconds=held.next_attempt_s - monotonic())
    return RefusedMessage(
        message.aggregate_type,
        message.aggregate_id,
        message.version,
        message.ordinal,
        message.topic,
        held.refusals,
        next_attempt_at,
        held.reason,
    )
