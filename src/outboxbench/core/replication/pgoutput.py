"""What PostgreSQL's output plugin `pgoutput` sends, as far as an outbox needs it.

Source: PostgreSQL manual, "Logical Replication Message Formats", protocol version 1.
"""

from __future__ import annotations

from dataclasses import dataclass
from struct import Struct
from typing import TYPE_CHECKING, Final, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Mapping

_BEGIN: Final = Struct("!qqi")  # LSN of the commit, time, xid
_COMMIT: Final = Struct("!bqqq")  # flags, LSN of the commit, LSN after it, time
_LOGICAL: Final = Struct("!bq")  # flags, LSN
_COLUMN: Final = Struct("!ii")  # type, type modifier
_INT32: Final = Struct("!i")
_INT16: Final = Struct("!h")
_TRANSACTIONAL: Final = 1


class UnknownMessage(ValueError):
    """The plugin sent what this reader does not know."""


@dataclass(frozen=True, slots=True)
class Begin:
    """A transaction that was committed begins."""


@dataclass(frozen=True, slots=True)
class Commit:
    """A transaction ends; `end_lsn` is where the log goes on after it."""

    end_lsn: int


@dataclass(frozen=True, slots=True)
class Insert:
    """A row of a published table, its values as text by the names of their columns."""

    table: str
    row: Mapping[str, str | None]


@dataclass(frozen=True, slots=True)
class Emitted:
    """What a transaction wrote into the log with `pg_logical_emit_message`.

    What was written whether or not its transaction commits is left out: it belongs to no commit.
    """

    prefix: str
    content: bytes


Event: TypeAlias = Begin | Commit | Insert | Emitted


class PgOutputReader:
    """Reads one stream; it keeps the tables that the stream has described."""

    def __init__(self) -> None:
        self._tables: dict[int, tuple[str, tuple[str, ...]]] = {}

    def read(self, message: bytes) -> Event | None:
        """Return what a message says; None where it is of no consequence for an outbox.

        Raises:
            UnknownMessage: it is none of protocol version 1, or about a table not described.
        """
        match message[:1]:
            case b"B":
                return Begin()
            case b"C":
                return Commit(_COMMIT.unpack_from(message, 1)[2])
            case b"I":
                return self._insert(message)
            case b"M":
                return _emitted(message)
            case b"R":
                self._describe(message)
                return None
            case b"Y" | b"O" | b"U" | b"D" | b"T":
                return None
        raise UnknownMessage(f"the log holds a message of type {message[:1]!r}")

    def _describe(self, message: bytes) -> None:
        (table,) = _INT32.unpack_from(message, 1)
        _, position = _text(message, 5)
        name, position = _text(message, position)
        (columns,) = _INT16.unpack_from(message, position + 1)
        position += 3
        names = []
        for _ in range(columns):
            column, position = _text(message, position + 1)
            position += _COLUMN.size
            names.append(column)
        self._tables[table] = (name, tuple(names))

    def _insert(self, message: bytes) -> Insert:
        (table,) = _INT32.unpack_from(message, 1)
        if table not in self._tables:
            raise UnknownMessage(f"the log holds a row of table {table}, which it did not describe")
        name, columns = self._tables[table]
        position = 8  # after the letter N and the number of columns, which the table told
        values: list[str | None] = []
        for _ in columns:
            kind = message[position : position + 1]
            position += 1
            if kind == b"t":
                (length,) = _INT32.unpack_from(message, position)
                position += _INT32.size
                values.append(message[position : position + length].decode())
                position += length
            else:
                values.append(None)
        return Insert(name, dict(zip(columns, values, strict=True)))


def _emitted(message: bytes) -> Emitted | None:
    flags, _ = _LOGICAL.unpack_from(message, 1)
    if not flags & _TRANSACTIONAL:
        return None
    prefix, position = _text(message, 1 + _LOGICAL.size)
    (length,) = _INT32.unpack_from(message, position)
    position += _INT32.size
    return Emitted(prefix, message[position : position + length])


def _text(message: bytes, position: int) -> tuple[str, int]:
    """Return the text that begins here and ends with a zero, and where what follows begins."""
    end = message.index(b"\0", position)
    return message[position:end].decode(), end + 1
