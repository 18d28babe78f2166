"""From what the output plugin sends to transactions and the messages that they committed."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from outboxbench.core.application.outbox import OutboxMessage
from outboxbench.core.replication.pgoutput import Begin, Commit, Emitted, Insert, PgOutputReader

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

TABLE: Final = "outbox"
PREFIX: Final = "outbox"
"""What `pg_logical_emit_message` is called with where a message needs no row."""


@dataclass(frozen=True, slots=True)
class CommittedMessages:
    """What a transaction has for receivers, each aggregate's in the order of its history.

    `end_lsn` is where the log goes on after the commit.
    """

    end_lsn: int
    messages: Sequence[OutboxMessage]


class TransactionReader:
    """Reads one stream from its beginning.

    `observe` is told of an emitted message that cannot be read: it is left out, since it would
    come again for ever, and nobody could say which aggregate it holds up.
    """

    def __init__(self, observe: Callable[[str], None]) -> None:
        self._reader = PgOutputReader()
        self._observe = observe
        self._messages: list[OutboxMessage] = []
        self.is_within = False
        """Whether the commit of a transaction that has begun is still to come."""

    def read(self, data: bytes) -> CommittedMessages | None:
        """Return what a transaction has committed, once its commit is read.

        Raises:
            ValueError: this is not what was asked of the server.
        """
        match self._reader.read(data):
            case Begin():
                self.is_within = True
            case Insert(table, row) if table == TABLE:
                self._messages.append(_of_row(row))
            case Emitted(prefix, content) if prefix == PREFIX:
                self._take_emitted(content)
            case Commit(end_lsn):
                self.is_within = False
                # One statement may have stored them in any order.
                messages = sorted(self._messages, key=lambda each: (each.version, each.ordinal))
                self._messages = []
                return CommittedMessages(end_lsn, messages)
        return None

    def _take_emitted(self, content: bytes) -> None:
        try:
            message = _of_fields(json.loads(content))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            self._observe(
                f"an emitted message is left out, which cannot be read "
                f"({type(error).__name__}: {error}): {content[:200]!r}"
            )
            return
        if message.audience:
            self._messages.append(message)


def _of_row(row: Mapping[str, str | None]) -> OutboxMessage:
    try:
        values: dict[str, Any] = dict(row)
        return _message(values, values["state"])
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"the log holds no outbox as it should be: {error!r}") from error


def _of_fields(fields: Mapping[str, Any]) -> OutboxMessage:
    return _message(fields, json.dumps(fields["state"], separators=(",", ":")))


def _message(fields: Mapping[str, Any], state: str) -> OutboxMessage:
    return OutboxMessage(
        UUID(fields["op_id"]),
        int(fields["ordinal"]),
        fields["aggregate_type"],
        UUID(fields["aggregate_id"]),
        int(fields["version"]),
        fields["topic"],
        int(fields["audience"]),
        state,
    )
