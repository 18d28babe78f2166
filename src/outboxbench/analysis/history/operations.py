"""Operations against the messages that the database holds of them."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from outboxbench.analysis.history.findings import Findings
from outboxbench.results.block import Check
from outboxbench.results.history import AttemptLine, MessageLine, following_op_id

if TYPE_CHECKING:
    from collections.abc import Sequence
    from collections.abc import Set as AbstractSet

    from outboxbench.analysis.history.judgement import Part
    from outboxbench.analysis.history.losses import Losses
    from outboxbench.results.history import HistoryLine

GOOD: Final = frozenset({"ok", "ok_recovered"})
NONE_LOST: Final = "no ok operation is lost"
NONE_TWICE: Final = "no operation is applied twice"
_INTERNAL: Final = 1


@dataclass(slots=True)
class _Tried:
    """What is known of one `op_id`: every attempt under it."""

    operation: int
    aggregate_id: str
    cents: int
    outcomes: set[str | None] = field(default_factory=set)
    final: str | None = None


class SeveralOpIds:
    """Finds the operations that were tried under more than one `op_id`, as a blind retry does.

    The attempts of a client come one after the other.
    """

    def __init__(self) -> None:
        self.operations: set[int] = set()
        self._latest: dict[int, AttemptLine] = {}

    def see(self, line: AttemptLine) -> None:
        """Take note of an attempt."""
        latest = self._latest.setdefault(line.client, line)
        if latest.operation == line.operation and latest.op_id != line.op_id:
            self.operations.add(line.operation)
        self._latest[line.client] = line


class OperationsJudge:
    """Is every `ok` there, nothing that failed, nothing twice, nothing of nobody?

    Args:
        under_several_op_ids: the operations of which each `op_id` may have been committed.
        losses: is told of every operation that was acknowledged and is not there.
    """

    def __init__(self, under_several_op_ids: AbstractSet[int], losses: Losses) -> None:
        self._losses = losses
        self._operations = 0
        self._succeeded = 0
        self._stored = 0
        self._lost = Findings(NONE_LOST)
        self._undead = Findings("no failed operation has an effect")
        self._twice = Findings(NONE_TWICE)
        self._alien = Findings("every effect belongs to an attempt")
        self._torn = Findings("the messages of an operation are all of one change")
        self._other = Findings("every effect is what was asked for")
        self._committed = {operation: set[str]() for operation in under_several_op_ids}

    def begin_part(self, part: Part) -> None:
        """Begin with the operations of a part."""
        self._part = part
        self._tried: dict[str, _Tried] = {}
        self._found: dict[str, list[MessageLine]] = defaultdict(list)
        self._older: set[str] = set()
        self._following: set[str] = set()

    def see(self, line: HistoryLine) -> None:
        """Take note of attempts and messages."""
        if isinstance(line, AttemptLine):
            if line.op_id in self._part:
                self._see_attempt(line)
        elif isinstance(line, MessageLine):
            if line.op_id in self._part:
                if line.is_older:
                    self._older.add(line.op_id)
                else:
                    self._found[line.op_id].append(line)
            if line.audience & _INTERNAL:
                following = following_op_id(line.op_id, line.ordinal)
                if following in self._part:
                    self._following.add(following)

    def end_part(self) -> None:
        """Set what was tried against what is there."""
        self._stored += len(self._found)
        for op_id, tried in self._tried.items():
            self._judge(op_id, tried, self._found.get(op_id))
        for op_id, messages in self._found.items():
            if op_id not in self._tried and op_id not in self._following:
                self._alien.add(op_id)
            changes: dict[tuple[str, str, int], list[int]] = defaultdict(list)
            for each in messages:
                place = (each.aggregate_type, each.aggregate_id, each.version)
                changes[place].append(each.ordinal)
            if any(sorted(each) != list(range(len(each))) for each in changes.values()):
                self._torn.add(op_id)
            elif len(changes) > 1:
                # Each of them whole: where relays delete messages, what refuses a repetition may
                # have gone with them.
                self._twice.add(op_id)
        del self._tried, self._found, self._older, self._following

    def checks(self) -> Sequence[Check]:
        """Return the checks over operations."""
        for operation, committed in self._committed.items():
            if len(committed) > 1:
                self._twice.add(f"operation {operation} as {' and '.join(sorted(committed))}")
        return (
            self._something_succeeded(),
            self._lost.check("are lost", self._succeeded),
            self._twice.check("were applied more than once", self._operations),
            self._undead.check("have an effect though they failed", self._operations),
            self._alien.check("were made by nobody", self._stored),
            self._torn.check("are torn", self._stored),
            self._other.check("are not what was asked for", self._stored),
        )

    def _see_attempt(self, line: AttemptLine) -> None:
        if line.attempt <= 1:
            self._operations += 1
        tried = self._tried.get(line.op_id)
        if tried is None:
            tried = _Tried(line.operation, line.aggregate_id, line.cents)
            self._tried[line.op_id] = tried
        tried.outcomes.add(line.outcome if line.began_ns is not None else "failed")
        tried.final = line.final or tried.final

    def _judge(self, op_id: str, tried: _Tried, messages: list[MessageLine] | None) -> None:
        is_there = messages is not None
        succeeded = "ok" in tried.outcomes or tried.final in GOOD
        self._succeeded += succeeded
        if succeeded:
            self._losses.see_acknowledged(op_id, is_there=is_there)
        if succeeded and not is_there:
            self._lost.add(op_id)
        elif tried.outcomes == {"failed"} and is_there:
            self._undead.add(op_id)
        if messages is None:
            return
        first = min(messages, key=lambda message: message.ordinal)
        moved = abs(first.cents) if first.cents is not None else tried.cents
        if first.aggregate_id != tried.aggregate_id or moved != tried.cents:
            self._other.add(op_id)
        if tried.operation in self._committed:
            self._committed[tried.operation].add(op_id)

    def _something_succeeded(self) -> Check:
        # A history without a single success proves nothing.
        return Check(
            name="operations succeeded",
            verdict="pass" if self._succeeded else "unknown",
            detail=f"{self._succeeded} of {self._operations} operations ended ok",
        )
