"""Deliveries against the messages that were committed for somebody."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from outboxbench.analysis.history.findings import Findings
from outboxbench.results.history import (
    DeliveryLine,
    InboxLine,
    MessageLine,
    following_op_id,
)

if TYPE_CHECKING:
    from collections.abc import Sequence
    from collections.abc import Set as AbstractSet

    from outboxbench.analysis.history.judgement import Part
    from outboxbench.results.block import Check
    from outboxbench.results.history import HistoryLine

_Key: TypeAlias = tuple[str, int]
_INTERNAL = 1
_CUT = "were still to come when the wait for relays that come forward ended: lower rate_per_s"


class DeliveriesJudge:
    """Did every committed message arrive, nothing else, in order, and have its effect once?

    Deliveries are divided by their aggregate, so that all of its order is seen in one part; effects
    by the operation that they are. What was delivered of a commit that a failover has undone was
    rightly delivered, and in an order that nobody can compare with what came instead: it is counted
    separately.

    Args:
        undone: every `op_id` that a failover has undone.
        were_cut: whether relays were still delivering when nobody waited for them any longer. Then
            what is missing proves nothing.
    """

    def __init__(self, undone: AbstractSet[str], *, were_cut: bool = False) -> None:
        self._undone = undone
        self._were_cut = were_cut
        self._deliveries_undone = 0
        self._due_in_all = 0
        self._deliveries = 0
        self._duplicates = 0
        self._handled = 0
        self._missing = Findings("every committed message is delivered")
        self._alien = Findings("nothing is delivered that was not committed")
        self._inverted = Findings("messages of an aggregate are delivered in its order")
        self._effects = Findings("internal effects happen exactly once")
        self._effects_missing = 0

    def begin_part(self, part: Part) -> None:
        """Begin with the messages of a part."""
        self._part = part
        self._due: set[_Key] = set()
        self._stored: set[_Key] = set()
        self._seen: set[_Key] = set()
        self._latest: dict[str, tuple[int, int]] = {}
        # What each internal message has to lead to, and what of it is there.
        self._following: dict[str, str] = {}
        self._committed: set[str] = set()
        self._entries: set[str] = set()

    def see(self, line: HistoryLine) -> None:
        """Take note of messages, deliveries and the inbox."""
        if isinstance(line, DeliveryLine):
            if line.aggregate_id in self._part:
                self._see_delivery(line)
        elif isinstance(line, MessageLine):
            self._see_message(line)
        elif isinstance(line, InboxLine):
            following = following_op_id(line.op_id, line.ordinal)
            if following in self._part:
                self._entries.add(following)

    def end_part(self) -> None:
        """Set what was due against what arrived."""
        self._due_in_all += len(self._due)
        for op_id, ordinal in self._due - self._seen:
            self._missing.add(f"{op_id}/{ordinal}")
        for op_id, ordinal in self._seen - self._stored:
            self._alien.add(f"{op_id}/{ordinal}")
        self._handled += len(self._following)
        for following, message in self._following.items():
            if following not in self._committed:
                self._effects_missing += 1
                if not self._were_cut:
                    self._effects.add(f"{message}, without effect")
            elif following not in self._entries:
                self._effects.add(f"{message}, without an inbox entry")
        del self._due, self._stored, self._seen, self._latest
        del self._following, self._committed, self._entries

    def checks(self) -> Sequence[Check]:
        """Return the checks over deliveries."""
        return (
            self._all_delivered(),
            self._alien.check(f"were never committed{self._beside()}", self._deliveries),
            self._inverted.check(
                f"came after a later one, beside {self._duplicates} duplicates", self._deliveries
            ),
            self._effects_as_they_have_to_be(),
        )

    def _see_delivery(self, line: DeliveryLine) -> None:
        self._deliveries += 1
        if line.op_id in self._undone:
            self._deliveries_undone += 1
            return
        key = (line.op_id, line.ordinal)
        if key in self._seen:
            self._duplicates += 1
            return
        self._seen.add(key)
        place = (line.version, line.ordinal)
        if place < self._latest.get(line.aggregate_id, (0, 0)):
            self._inverted.add(f"{line.op_id}/{line.ordinal}")
        else:
            self._latest[line.aggregate_id] = place

    def _see_message(self, line: MessageLine) -> None:
        if line.aggregate_id in self._part:
            key = (line.op_id, line.ordinal)
            self._stored.add(key)
            if line.audience and not line.is_older:
                self._due.add(key)
        if line.op_id in self._part:
            self._committed.add(line.op_id)
        if line.audience & _INTERNAL and not line.is_older:
            following = following_op_id(line.op_id, line.ordinal)
            if following in self._part:
                self._following[following] = f"{line.op_id}/{line.ordinal}"

    def _beside(self) -> str:
        if not self._undone:
            return ""
        return f", beside {self._deliveries_undone} of commits that a failover has undone"

    def _all_delivered(self) -> Check:
        if self._were_cut and self._missing.count:
            return self._missing.unknown(f"{self._missing.count} of {self._due_in_all} {_CUT}")
        if self._due_in_all:
            return self._missing.check("never arrived", self._due_in_all)
        # Where nothing was due, nothing is proved.
        return self._missing.unknown("no message was committed")

    def _effects_as_they_have_to_be(self) -> Check:
        if self._were_cut and self._effects_missing and not self._effects.count:
            return self._effects.unknown(f"{self._effects_missing} of {self._handled} {_CUT}")
        return self._effects.check("are not as they have to be", self._handled)
