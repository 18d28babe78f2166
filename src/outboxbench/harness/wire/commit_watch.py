"""Follows one session, and tells which of the client's messages makes the server commit.

Such a message is

- a simple Query that is COMMIT, or an Execute of a statement that is, unless the block has failed:
  then it rolls back;
- outside a transaction block, the Sync after an Execute of a statement that writes, or a simple
  Query that is one: the transaction that nobody opened ends with it.

What a statement does is read off its first words. One that writes by a function it calls, a COPY, a
change of the schema, and several commands in one Query that do not begin with one that writes are
not known to commit.
"""

from __future__ import annotations

import re
from collections import deque
from enum import Enum, auto
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from outboxbench.harness.wire.protocol import Message

WATCHED_HEAD_BYTES: Final = 4096
"""How much of a message shows what its statement is."""

ENDS_WITH_READY: Final = frozenset({"Sync", "Query", "FunctionCall"})
"""What the server answers with a ReadyForQuery in the end."""

_FIRST_WORD: Final = re.compile(rb"(?:\s|--[^\n]*\n|/\*.*?\*/)*(\w+)", re.DOTALL)
_COMMIT: Final = re.compile(rb"COMMIT(\s+(WORK|TRANSACTION))?[\s;]*", re.IGNORECASE)
_TO_SAVEPOINT: Final = re.compile(rb"ROLLBACK(\s+(WORK|TRANSACTION))?\s+TO\b", re.IGNORECASE)
_PREPARE: Final = re.compile(rb"PREPARE\s+TRANSACTION\b", re.IGNORECASE)
# A row that is locked FOR UPDATE is not written.
_WRITE: Final = re.compile(
    rb"\b(?:INSERT|(?<!\bFOR\s)(?<!\bKEY\s)UPDATE|DELETE|MERGE)\b", re.IGNORECASE
)
_WRITING_WORDS: Final = frozenset({b"INSERT", b"UPDATE", b"DELETE", b"MERGE"})
_OPENING_WORDS: Final = frozenset({b"BEGIN", b"START"})
_CLOSING_WORDS: Final = frozenset({b"ABORT", b"END"})


class Statement(Enum):
    """What a statement does to the transaction."""

    OPENS = auto()
    COMMITS = auto()
    CLOSES = auto()
    """Ends the block in another way than by COMMIT."""
    WRITES = auto()
    OTHER = auto()


def recognize(text: bytes) -> Statement:
    """Tell from its text what a statement does."""
    if not (match := _FIRST_WORD.match(text)):
        return Statement.OTHER
    word = match[1].upper()
    begin = match.start(1)
    if word in _WRITING_WORDS or (word == b"WITH" and _WRITE.search(text, begin)):
        return Statement.WRITES
    if word in _OPENING_WORDS:
        return Statement.OPENS
    if _COMMIT.fullmatch(text, begin):
        return Statement.COMMITS
    if (
        word in _CLOSING_WORDS
        or (word == b"ROLLBACK" and not _TO_SAVEPOINT.match(text, begin))
        or _PREPARE.match(text, begin)
    ):
        return Statement.CLOSES
    return Statement.OTHER


class _Block(Enum):
    """A transaction block, as ReadyForQuery tells it."""

    NONE = b"I"
    OPEN = b"T"
    FAILED = b"E"


class CommitWatch:
    """Sees the messages of one session: the client's when they leave, the server's as they come."""

    def __init__(self) -> None:
        self.has_terminated = False
        """Whether the client has said goodbye."""
        self._statements: dict[bytes, Statement] = {}
        self._portals: dict[bytes, Statement] = {}
        self._owed: deque[str] = deque()
        self._is_started = False
        # What is known from the last ReadyForQuery, and what the client has asked for since.
        self._block = _Block.NONE
        self._has_written = False
        self._has_executed = False

    @property
    def owed(self) -> int:
        """How many ReadyForQuery the server still owes."""
        return len(self._owed)

    def sent(self, message: Message) -> bool:
        """Note a message of the client; return whether the server commits because of it."""
        name, head = message.name, message.head
        if name in ENDS_WITH_READY:
            self._owed.append(name)
        if name == "Sync":
            return self._end_group()
        if name == "Query":
            commits = self._execute(recognize(head.partition(b"\0")[0]))
            return self._end_group() or commits
        if name == "Bind":
            portal, statement = _names(head)
            self._portals[portal] = self._statements.get(statement, Statement.OTHER)
        elif name == "Execute":
            portal, _ = _names(head)
            return self._execute(self._portals.get(portal, Statement.OTHER))
        elif name == "Parse":
            statement, text = _names(head)
            self._statements[statement] = recognize(text)
        elif name == "Close":
            closed = self._statements if head[:1] == b"S" else self._portals
            closed.pop(head[1:].rstrip(b"\0"), None)
        elif name == "Terminate":
            self.has_terminated = True
        return False

    def received(self, message: Message) -> None:
        """Note a message of the server."""
        if message.name == "ReadyForQuery":
            if self._is_started and self._owed:
                self._owed.popleft()
            self._is_started = True
            # What was asked for since is not in this status.
            if not self._owed and not self._has_executed:
                self._block = _Block(message.head)
        elif message.name == "CopyInResponse" and self._owed and self._owed[0] == "Sync":
            # A COPY from the client swallows the Sync that came before its data.
            self._owed.popleft()

    def _execute(self, statement: Statement) -> bool:
        self._has_executed = True
        if statement is Statement.WRITES:
            self._has_written = True
        elif statement is Statement.OPENS:
            self._block = _Block.OPEN
        elif statement in (Statement.COMMITS, Statement.CLOSES):
            commits = statement is Statement.COMMITS and self._block is not _Block.FAILED
            self._block = _Block.NONE
            self._has_written = False
            return commits
        return False

    def _end_group(self) -> bool:
        commits = self._has_written and self._block is _Block.NONE
        self._has_written = False
        self._has_executed = False
        return commits


def _names(head: bytes) -> tuple[bytes, bytes]:
    """Return the two strings that a payload begins with; the second may be cut short."""
    first, _, rest = head.partition(b"\0")
    return first, rest.partition(b"\0")[0]
