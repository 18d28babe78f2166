"""What the output plugin sends is read as the manual describes it."""

from __future__ import annotations

import struct

import pytest

from outboxbench.core.replication.pgoutput import (
    Begin,
    Commit,
    Emitted,
    Insert,
    PgOutputReader,
    UnknownMessage,
)

TABLE = 16_401


def relation(*columns: str) -> bytes:
    parts = [struct.pack("!ci", b"R", TABLE), b"public\0outbox\0", b"d"]
    parts.append(struct.pack("!h", len(columns)))
    parts += [b"\1" + column.encode() + b"\0" + struct.pack("!ii", 25, -1) for column in columns]
    return b"".join(parts)


def insert(*values: str | None) -> bytes:
    parts = [struct.pack("!cich", b"I", TABLE, b"N", len(values))]
    for value in values:
        if value is None:
            parts.append(b"n")
        else:
            content = value.encode()
            parts.append(struct.pack("!ci", b"t", len(content)) + content)
    return b"".join(parts)


def emitted(flags: int, prefix: str, content: bytes) -> bytes:
    head = struct.pack("!cbq", b"M", flags, 77)
    return head + prefix.encode() + b"\0" + struct.pack("!i", len(content)) + content


def test_a_transaction_is_read_with_its_rows_by_the_names_of_their_columns() -> None:
    reader = PgOutputReader()
    assert reader.read(struct.pack("!cqqi", b"B", 100, 0, 7)) == Begin()
    assert reader.read(relation("topic", "state")) is None
    assert reader.read(insert("order.placed", '{"ü": 1}')) == Insert(
        "outbox", {"topic": "order.placed", "state": '{"ü": 1}'}
    )
    assert reader.read(insert("", None)) == Insert("outbox", {"topic": "", "state": None})
    assert reader.read(struct.pack("!cbqqq", b"C", 0, 100, 148, 0)) == Commit(148)


def test_a_table_that_is_described_anew_is_read_as_it_is_by_then() -> None:
    reader = PgOutputReader()
    reader.read(relation("topic"))
    reader.read(relation("topic", "state"))
    assert reader.read(insert("a", "b")) == Insert("outbox", {"topic": "a", "state": "b"})


def test_what_a_transaction_emits_is_read_and_what_belongs_to_no_commit_is_not() -> None:
    reader = PgOutputReader()
    assert reader.read(emitted(1, "outbox", b"{}")) == Emitted("outbox", b"{}")
    assert reader.read(emitted(0, "outbox", b"{}")) is None


def test_what_is_of_no_consequence_is_passed_over() -> None:
    reader = PgOutputReader()
    for kind in (b"Y", b"O", b"U", b"D", b"T"):
        assert reader.read(kind + b"anything") is None


@pytest.mark.parametrize("message", [b"S\0", insert("a row of a table that was not described")])
def test_what_cannot_be_read_is_not_guessed_at(message: bytes) -> None:
    with pytest.raises(UnknownMessage):
        PgOutputReader().read(message)
