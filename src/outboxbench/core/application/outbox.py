"""What a relay and an outbox say to each other: messages, and what became of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from uuid import UUID

RelayPlan: TypeAlias = Literal["lease", "sharded", "delete"]
"""How relays share the outbox, and what becomes of a message that is delivered."""

AnyRelayPlan: TypeAlias = Literal[RelayPlan, "log"]
"""Also `log`, the outbox read from the write-ahead log, which is the same for every strategy."""


@dataclass(slots=True)  # not frozen: that would triple what it costs to make one
class OutboxMessage:
    """A committed message. `state` is JSON as text; `audience` as the outbox has it.

    The order within an aggregate is that of `version` and, where they are equal, of `ordinal`.
    """

    op_id: UUID
    ordinal: int
    aggregate_type: str
    aggregate_id: UUID
    version: int
    topic: str
    audience: int
    state: str

    @property
    def id(self) -> str:
        """What a receiver can tell a redelivered message by."""
        return f"{self.op_id}/{self.ordinal}"


@dataclass(slots=True, eq=False)
class Lease:
    """The right to deliver what was claimed together.

    `token` is the fencing token: who takes over has another one, and the outbox refuses what comes
    with the old one. `valid_until_s` is on the clock of the relay.
    """

    token: int
    valid_until_s: float = 0.0


@dataclass(slots=True)
class Run:
    """Undelivered messages of one aggregate, the oldest first and none left out.

    `refusals` is how often the first of them was refused before.
    """

    aggregate_type: str
    aggregate_id: UUID
    lease: Lease
    messages: list[OutboxMessage] = field(default_factory=list)
    refusals: int = 0


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a message was not taken, how often by now, and when it is tried again.

    `retry_in_s` is None where it is not: the message is dead.
    """

    reason: str
    refusals: int
    retry_in_s: float | None


@dataclass(frozen=True, slots=True)
class Settlement:
    """What became of a run: the first `delivered` of its messages were, the next was refused."""

    run: Run
    delivered: int
    refusal: Refusal | None = None

    @property
    def watermark(self) -> tuple[int, int]:
        """Version and ordinal of the last message that was delivered; zeros if none was."""
        if not self.delivered:
            return (0, 0)
        last = self.run.messages[self.delivered - 1]
        return (last.version, last.ordinal)


@dataclass(frozen=True, slots=True)
class Settled:
    """The outbox's answer: the runs whose lease was lost, and whether more became free to claim."""

    lost: Sequence[Run]
    has_more: bool


@dataclass(frozen=True, slots=True)
class RefusedMessage:
    """A message that holds its aggregate up; `next_attempt_at` is None once it is dead."""

    aggregate_type: str
    aggregate_id: UUID
    version: int
    ordinal: int
    topic: str
    refusals: int
    next_attempt_at: datetime | None
    reason: str


@dataclass(frozen=True, slots=True)
class OutboxStatus:
    """How an outbox stands; `held` messages are refused, or wait behind one that is.

    `retained_wal_bytes` is what the server keeps of its log for a relay that reads it; None where
    none does.
    """

    undelivered: int
    oldest_s: float
    aggregates: int
    held: int
    refused: Sequence[RefusedMessage]
    retained_wal_bytes: int | None = None
