"""A history: all that clients, faults, receivers and at last the database tell of one block.

A gzip of JSON lines, each an array that begins with its kind. The last line counts the others and
bears the SHA-256 of their bytes, so that a history which was cut or changed is no history.

Times are nanoseconds since the block began; ids are 32 hexadecimal digits.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import zlib
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeAlias
from uuid import UUID, uuid5

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from typing import Self

_LEVEL: Final = 3
_END: Final = "end"

LOST_OP_IDS: Final = "lost_op_ids"
"""What the evidence of a failover calls the operations that the former primary has committed and
its successor lacks: read from both, whatever clients were told."""


MESSAGES_HELD: Final = "messages_held"
"""What the evidence of a relay that stands still calls the ids of the messages it has in hand."""
STILL_UNTIL_NS: Final = "still_until_ns"
"""And the last moment in which that relay cannot have done anything."""
PID_STILL: Final = "pid_still"
"""And the process that it is."""
PID_GONE: Final = "pid_gone"
"""What the evidence of a process that was killed calls it."""


class HistoryDamaged(Exception):
    """A history is not as it was written; the text says how."""


class Header(NamedTuple):
    """What the history is of."""

    about: dict[str, Any]


class AttemptLine(NamedTuple):
    """An attempt at an operation. `None` stands for what never happened, or nobody knows of.

    `began_ns` is None for an operation that was skipped. `outcome` is the attempt's; `final` the
    operation's, told by its last attempt.
    """

    operation: int
    attempt: int
    op_id: str
    command: str
    aggregate_id: str
    cents: int
    client: int
    due_ns: int
    began_ns: int | None
    commit_sent_ns: int | None
    ended_ns: int | None
    stage: int
    outcome: str | None
    final: str | None
    failure: str | None


class FaultLine(NamedTuple):
    """An injection. `evidence` is what proves that it took effect; empty where nothing does."""

    number: int
    fault: str
    onset_ns: int
    took_effect_ns: int | None
    healed_ns: int | None
    evidence: dict[str, Any]


class DeliveryLine(NamedTuple):
    """A message that a receiver confirmed, in the order of confirmations."""

    op_id: str
    ordinal: int
    aggregate_id: str
    version: int
    delivered_ns: int


class RelayLine(NamedTuple):
    """What a relay had done when it was told to end; one that was killed tells nothing.

    `refused` and `dead` are messages, `late` what it could not settle as its lease had ended: who
    took over has a higher fencing token. `outages` are claims that met nobody who answered.
    """

    relay: int
    delivered: int
    refused: int
    dead: int
    late: int
    outages: int


class MessageLine(NamedTuple):
    """A message as the database holds it at the end. `cents` is what it moves, if it does."""

    op_id: str
    ordinal: int
    aggregate_type: str
    aggregate_id: str
    version: int
    topic: str
    audience: int
    cents: int | None
    is_older: bool
    """Whether it was there before the block began."""


class AggregateLine(NamedTuple):
    """An aggregate as the database holds it at the end; the balance of an account."""

    aggregate_type: str
    aggregate_id: str
    version: int
    cents: int | None


class InboxLine(NamedTuple):
    """A message that a handler had its effect of, as the database tells at the end."""

    handler: str
    op_id: str
    ordinal: int


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file, read in pieces."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def message_id(op_id: str, ordinal: int) -> str:
    """Return what a message is called where it is named in one word."""
    return f"{op_id}/{ordinal}"


def following_op_id(op_id: str, ordinal: int) -> str:
    """Return what a command runs under that follows from a message."""
    return uuid5(uuid5(UUID(op_id), str(ordinal)), "0").hex


HistoryLine: TypeAlias = (
    Header
    | AttemptLine
    | FaultLine
    | DeliveryLine
    | RelayLine
    | MessageLine
    | AggregateLine
    | InboxLine
)

_KINDS: Final[dict[str, type[HistoryLine]]] = {
    "header": Header,
    "attempt": AttemptLine,
    "fault": FaultLine,
    "delivery": DeliveryLine,
    "relay": RelayLine,
    "message": MessageLine,
    "aggregate": AggregateLine,
    "inbox": InboxLine,
}
_NAMES: Final[dict[type[HistoryLine], str]] = {kind: name for name, kind in _KINDS.items()}


class HistoryWriter:
    """Context manager that writes a history; one that is left by an error has no last line."""

    def __init__(self, path: Path) -> None:
        self._file = gzip.open(path, "wb", compresslevel=_LEVEL)  # noqa: SIM115
        self._digest = hashlib.sha256()
        self._lines = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        with self._file:
            if kind is None:
                end = [_END, self._lines, self._digest.hexdigest()]
                self._file.write(json.dumps(end).encode() + b"\n")

    def write(self, line: HistoryLine) -> None:
        """Add a line."""
        written = json.dumps([_NAMES[type(line)], *line], separators=(",", ":")).encode() + b"\n"
        self._digest.update(written)
        self._lines += 1
        self._file.write(written)


def read_history(path: Path) -> Iterator[HistoryLine]:
    """Yield the lines of a history, one at a time.

    Raises:
        HistoryDamaged: after the last line that can be read, if that is not the end, or if the end
            does not fit what was read.
        OSError: the file cannot be read.
    """
    digest = hashlib.sha256()
    lines = 0
    try:
        with gzip.open(path, "rb") as file:
            for written in file:
                kind, *fields = json.loads(written)
                if kind == _END:
                    if fields != [lines, digest.hexdigest()]:
                        raise HistoryDamaged(f"{path.name} was changed after it was written")
                    if file.read(1):
                        raise HistoryDamaged(f"{path.name} goes on after its end")
                    return
                line = _KINDS[kind](*fields)
                digest.update(written)
                lines += 1
                yield line
    except (EOFError, zlib.error, gzip.BadGzipFile, ValueError, TypeError, KeyError) as error:
        raise HistoryDamaged(f"{path.name} cannot be read beyond line {lines}") from error
    raise HistoryDamaged(f"{path.name} has no end: it was cut after line {lines}")
