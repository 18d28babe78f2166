"""Histories made by hand or by a queue, in milliseconds."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from outboxbench.analysis.history.availability import availability_of
from outboxbench.results.history import (
    AttemptLine,
    DeliveryLine,
    FaultLine,
    Header,
    MessageLine,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from outboxbench.results.availability import BlockAvailability, Injection
    from outboxbench.results.history import HistoryLine

MS = 1_000_000
ACCOUNT = "ac" * 16


def op_id(number: int) -> str:
    return f"{number:032x}"


def attempt_line(
    operation: int,
    due_ms: float,
    ended_ms: float | None,
    outcome: str | None = "ok",
    /,
    **changes: Any,
) -> AttemptLine:
    """An operation of one attempt, begun when it was due."""
    return AttemptLine(
        operation=operation,
        attempt=1,
        op_id=op_id(operation),
        command="charge",
        aggregate_id=ACCOUNT,
        cents=10,
        client=0,
        due_ns=int(due_ms * MS),
        began_ns=int(due_ms * MS),
        commit_sent_ns=None,
        ended_ns=None if ended_ms is None else int(ended_ms * MS),
        stage=3,
        outcome=outcome,
        final=outcome,
        failure=None,
    )._replace(**changes)


def fault_line(
    onset_ms: float,
    *,
    took_effect_ms: float | None = None,
    healed_ms: float | None = None,
    number: int = 1,
    fault: str = "crash",
    **evidence: Any,
) -> FaultLine:
    return FaultLine(
        number,
        fault,
        int(onset_ms * MS),
        None if took_effect_ms is None else int(took_effect_ms * MS),
        None if healed_ms is None else int(healed_ms * MS),
        evidence,
    )


def message_line(by: str, *, is_older: bool = False) -> MessageLine:
    return MessageLine(by, 0, "account", ACCOUNT, 1, "account.charged", 2, -10, is_older)


@dataclass
class Past:
    """A history in the making, of lines in the order in which they are told."""

    attempts: list[AttemptLine] = field(default_factory=list)
    faults: list[FaultLine] = field(default_factory=list)
    messages: list[MessageLine] = field(default_factory=list)
    about: dict[str, Any] = field(default_factory=dict)
    deliveries: list[DeliveryLine] = field(default_factory=list)
    is_relayed: bool = False

    def attempt(
        self, due_ms: float, ended_ms: float | None, outcome: str | None = "ok", **changes: Any
    ) -> AttemptLine:
        line = attempt_line(len(self.attempts) + 1, due_ms, ended_ms, outcome, **changes)
        self.attempts.append(line)
        return line

    def steadily(
        self, from_ms: int, to_ms: int, outcome: str = "ok", client: int = 0, every_ms: int = 1
    ) -> None:
        """Operations at equal distances, each of half a millisecond."""
        for due_ms in range(from_ms, to_ms, every_ms):
            self.attempt(due_ms, due_ms + 0.5, outcome, client=client)

    def fault(self, onset_ms: float, **details: Any) -> None:
        self.faults.append(fault_line(onset_ms, number=len(self.faults) + 1, **details))

    def deliver(self, *moments_ms: float) -> None:
        """A relay is at work, and has messages confirmed at these moments."""
        self.is_relayed = True
        self.deliveries += [
            DeliveryLine(op_id(place), 0, ACCOUNT, place, int(moment_ms * MS))
            for place, moment_ms in enumerate(moments_ms, 1)
        ]

    def store(self, by: str, *, is_older: bool = False) -> None:
        self.messages.append(message_line(by, is_older=is_older))

    def lines(self) -> Iterator[HistoryLine]:
        yield Header({**self.about, "is_relayed": self.is_relayed})
        yield from self.attempts
        yield from self.faults
        yield from self.deliveries
        yield from self.messages

    def availability(self) -> BlockAvailability:
        return availability_of(self.lines)


def only_injection(past: Past) -> Injection:
    (injection,) = past.availability().injections
    return injection


def interrupted(by_ms: int = 1_000, *, to_ms: int = 4_000) -> Past:
    """One operation a millisecond, an onset after two seconds, and nothing good for a while."""
    past = Past()
    past.steadily(0, 2_000)
    past.steadily(2_000, 2_000 + by_ms, "failed")
    past.steadily(2_000 + by_ms, to_ms)
    return past
