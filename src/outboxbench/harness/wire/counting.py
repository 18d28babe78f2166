"""Counts one session from the order of its messages alone, whatever the time between them.

- A *round trip* is a Sync, a simple Query, a FunctionCall or a Flush after which the client sent
  nothing until the server had answered all that it was asked. So of several Syncs that are sent
  one after the other only the last can count, and it does not if the client sends more before its
  answer; a Flush counts only if answers were due. A COPY from the client is two: up to
  CopyInResponse, without which the client cannot go on, and from the end of its data.
- A *direction change* is a message of the server that follows one of the client.
- A *statement* is an Execute or a simple Query, however many commands the Query holds.
- A *transaction* is a ReadyForQuery outside a transaction block: one that a BEGIN opened is over,
  or the statements before it were one by themselves.
- A *commit* is the command tag COMMIT. A *rollback* is an open transaction block that was over at a
  ReadyForQuery without that tag.

The order is that in which the messages passed the proxy. An answer that passed before the client's
next message counts as awaited, which a client that sends its Syncs apart cannot be told from.
"""

from __future__ import annotations

from collections import Counter, deque
from typing import TYPE_CHECKING, Final

from outboxbench.harness.wire.counts import WireCounts

if TYPE_CHECKING:
    from outboxbench.harness.wire.protocol import Message

_EXTENDED: Final = frozenset({"Parse", "Bind", "Describe", "Execute", "Close"})
_ENDS_WITH_READY: Final = frozenset({"Sync", "Query", "FunctionCall"})
_COPY_ENDS: Final = frozenset({"CopyDone", "CopyFail"})

# The message that answers one of the extended protocol for good, as far as it is due: a simple
# Query has some of them as well, and is over only with ReadyForQuery.
_ANSWERED: Final = {
    "ParseComplete": "Parse",
    "BindComplete": "Bind",
    "CloseComplete": "Close",
    "RowDescription": "Describe",
    "NoData": "Describe",
    "CommandComplete": "Execute",
    "EmptyQueryResponse": "Execute",
    "PortalSuspended": "Execute",
}
_COMMIT_TAG: Final = b"COMMIT\0"
_IDLE: Final = b"I"


class SessionCounter:
    """Sees the messages of one session in the order in which they pass."""

    def __init__(self) -> None:
        self.is_started = False
        """Whether the server has said for the first time that it is ready."""
        self._frontend_messages: Counter[str] = Counter()
        self._backend_messages: Counter[str] = Counter()
        self._round_trips = 0
        self._direction_changes = 0
        self._transactions = 0
        self._commits = 0
        self._rollbacks = 0

        # What the server has yet to answer, in order. The end of a COPY is in it as well, so that
        # a Sync before it can be told from one after it.
        self._owed: deque[str] = deque()
        self._client_awaits = False
        self._client_spoke_last = False
        self._skips_to_sync = False
        self._copies_in = False
        self._in_transaction = False
        self._has_committed = False

    def sent(self, message: Message) -> None:
        """Note a message of the client."""
        if not self.is_started:
            return
        name = message.name
        self._frontend_messages[name] += 1
        self._client_spoke_last = True
        self._client_awaits = False
        if self._skips_to_sync and name != "Sync":
            return
        if name in _EXTENDED:
            self._owed.append(name)
        elif name in _COPY_ENDS:
            self._copies_in = False
            if self._owed:
                self._owed.append(name)
                self._client_awaits = True
        elif self._copies_in:
            # The server ignores a Sync and a Flush in the midst of a COPY.
            return
        elif name in _ENDS_WITH_READY:
            self._skips_to_sync = False
            self._owed.append(name)
            self._client_awaits = True
        elif name == "Flush":
            self._client_awaits = bool(self._owed)

    def received(self, message: Message) -> None:
        """Note a message of the server."""
        name = message.name
        if not self.is_started:
            self.is_started = name == "ReadyForQuery"
            return
        self._backend_messages[name] += 1
        if self._client_spoke_last:
            self._client_spoke_last = False
            self._direction_changes += 1
        if name == "ReadyForQuery":
            self._become_ready(message.head)
        elif name == "CopyInResponse" and self._owed:
            self._begin_copy_in()
        elif name == "ErrorResponse":
            self._skip_after_error()
        elif self._owed and _ANSWERED.get(name) == self._owed[0]:
            self._owed.popleft()
        if name == "CommandComplete" and message.head.startswith(_COMMIT_TAG):
            self._commits += 1
            self._has_committed = True
        while self._owed and self._owed[0] in _COPY_ENDS:
            self._owed.popleft()
        if self._client_awaits and not self._owed:
            self._end_round_trip()

    def counts(self) -> WireCounts:
        """Return the totals so far, without bytes."""
        frontend_messages = dict(sorted(self._frontend_messages.items()))
        return WireCounts(
            sessions=int(self.is_started),
            round_trips=self._round_trips,
            direction_changes=self._direction_changes,
            statements=frontend_messages.get("Execute", 0) + frontend_messages.get("Query", 0),
            transactions=self._transactions,
            commits=self._commits,
            rollbacks=self._rollbacks,
            frontend_messages=frontend_messages,
            backend_messages=dict(sorted(self._backend_messages.items())),
        )

    def _become_ready(self, status: bytes) -> None:
        while self._owed and self._owed.popleft() not in _ENDS_WITH_READY:
            pass
        is_idle = status == _IDLE
        if is_idle and self._in_transaction and not self._has_committed:
            self._rollbacks += 1
        self._transactions += is_idle
        self._in_transaction = not is_idle
        self._has_committed = False

    def _begin_copy_in(self) -> None:
        # A client that sent its data blindly has no need to wait for this.
        self._copies_in = _COPY_ENDS.isdisjoint(self._owed)
        if self._copies_in and self._client_awaits:
            self._end_round_trip()
        # What was sent between the command and the end of its data is ignored by the server.
        command, *later = self._owed
        ends = [number for number, name in enumerate(later) if name in _COPY_ENDS]
        self._owed = deque([command, *(later[ends[0] :] if ends else ())])

    def _skip_after_error(self) -> None:
        self._copies_in = False
        is_extended = bool(self._owed) and self._owed[0] in _EXTENDED
        while self._owed and self._owed[0] != "Sync" and is_extended:
            self._owed.popleft()
        self._skips_to_sync = is_extended and not self._owed

    def _end_round_trip(self) -> None:
        self._round_trips += 1
        self._client_awaits = False
