"""A commit is recognized by what the client says, however that is cut into pieces."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.harness.wire.streams import STARTUP, typed

from outboxbench.harness.wire.commit_watch import (
    WATCHED_HEAD_BYTES,
    CommitWatch,
    Statement,
    recognize,
)
from outboxbench.harness.wire.protocol import BackendParser, FrontendParser, Message

INSERT = "INSERT INTO item VALUES ($1)"
SYNC = typed("S")


def query(text: str) -> bytes:
    return typed("Q", text.encode() + b"\0")


def parse(text: str, name: str = "") -> bytes:
    return typed("P", f"{name}\0{text}\0".encode() + bytes(2))


def run(name: str = "", portal: str = "") -> bytes:
    """Bind and execute."""
    bind = typed("B", f"{portal}\0{name}\0".encode() + bytes(6))
    return bind + typed("E", f"{portal}\0".encode() + bytes(4))


def statement(text: str) -> bytes:
    return parse(text) + run()


class Conversation:
    """Feeds both sides of a session to a watch, in pieces."""

    def __init__(self, cuts: tuple[int, ...] = ()) -> None:
        self.watch = CommitWatch()
        self._frontend = FrontendParser(WATCHED_HEAD_BYTES)
        self._backend = BackendParser()
        self._cuts = cuts
        self.says(STARTUP)
        self.hears("I")

    def says(self, stream: bytes) -> list[str]:
        """Return the names of the messages that make the server commit."""
        return [message.name for message in self._fed(stream) if self.watch.sent(message)]

    def hears(self, status: str) -> None:
        for message in self._backend.feed(typed("Z", status.encode())):
            self.watch.received(message)

    def _fed(self, stream: bytes) -> list[Message]:
        places = [0, *sorted({cut for cut in self._cuts if cut < len(stream)}), len(stream)]
        return [
            message
            for begin, end in pairwise(places)
            for message in self._frontend.feed(stream[begin:end])
        ]


BYTE_BY_BYTE = tuple(range(20_000))
all_cuts = st.one_of(
    st.just(BYTE_BY_BYTE), st.lists(st.integers(min_value=1, max_value=300)).map(tuple)
)


@pytest.mark.parametrize(
    "text", ["COMMIT", "COMMIT;", "commit ; ", " Commit\n;", "COMMIT WORK", "-- done\nCOMMIT"]
)
def test_a_commit_is_one_however_it_is_written(text: str) -> None:
    assert recognize(text.encode()) is Statement.COMMITS


@pytest.mark.parametrize(
    "text",
    [
        "insert into item values (1)",
        "\n  UPDATE item SET id = 2",
        "DELETE FROM item",
        "/* why */ MERGE INTO item USING other ON true WHEN MATCHED THEN DELETE",
        "WITH moved AS (DELETE FROM item RETURNING *) SELECT * FROM moved",
        "WITH due AS (SELECT id FROM item FOR UPDATE SKIP LOCKED) UPDATE item SET id = 2",
    ],
)
def test_what_writes_is_recognized(text: str) -> None:
    assert recognize(text.encode()) is Statement.WRITES


@pytest.mark.parametrize(
    "text",
    [
        "",
        "SELECT 1",
        "COMMITTED",
        "COMMIT PREPARED 'one'",
        "SELECT * FROM item FOR UPDATE",
        "WITH due AS (SELECT id FROM item FOR UPDATE) SELECT * FROM due",
        "WITH due AS (SELECT id FROM item FOR NO KEY UPDATE) SELECT * FROM due",
        "ROLLBACK TO SAVEPOINT one",
        "ROLLBACK WORK TO one",
        "PREPARE one AS SELECT 1",
        "SAVEPOINT one",
    ],
)
def test_what_does_neither_is_left_alone(text: str) -> None:
    assert recognize(text.encode()) is Statement.OTHER


@pytest.mark.parametrize(
    "text", ["ROLLBACK", "rollback;", "ABORT", "END", "PREPARE TRANSACTION 'one'"]
)
def test_a_block_may_close_without_a_commit(text: str) -> None:
    assert recognize(text.encode()) is Statement.CLOSES


@given(cuts=all_cuts)
@settings(deadline=None)
def test_an_explicit_transaction_commits_once(cuts: tuple[int, ...]) -> None:
    talk = Conversation(cuts)
    assert talk.says(query("BEGIN;")) == []
    talk.hears("T")
    assert talk.says(statement(INSERT) + SYNC) == []
    talk.hears("T")
    assert talk.says(query("INSERT INTO item VALUES (1)")) == []
    talk.hears("T")
    assert talk.says(query("COMMIT;")) == ["Query"]
    talk.hears("I")
    assert talk.says(query("SELECT 1")) == []


@given(cuts=all_cuts)
@settings(deadline=None)
def test_a_pipelined_transaction_commits_at_its_execute(cuts: tuple[int, ...]) -> None:
    talk = Conversation(cuts)
    transaction = statement("BEGIN") + statement(INSERT) + statement("COMMIT")

    assert talk.says(transaction + SYNC + transaction + SYNC) == ["Execute", "Execute"]


@given(cuts=all_cuts)
@settings(deadline=None)
def test_a_block_that_is_begun_in_a_group_commits_not_at_its_sync(cuts: tuple[int, ...]) -> None:
    talk = Conversation(cuts)
    assert talk.says(statement("BEGIN") + statement(INSERT) + SYNC) == []
    assert talk.says(statement(INSERT) + SYNC) == []
    talk.hears("T")
    talk.hears("T")
    assert talk.says(statement(INSERT) + SYNC) == []
    talk.hears("T")
    assert talk.says(statement("ROLLBACK") + SYNC) == []


@given(cuts=all_cuts)
@settings(deadline=None)
def test_a_write_without_a_block_commits_at_its_sync(cuts: tuple[int, ...]) -> None:
    talk = Conversation(cuts)
    assert talk.says(parse(INSERT, "one") + typed("D", b"Sone\0") + typed("H")) == []
    assert talk.says(run("one", "portal") + run("one") + SYNC) == ["Sync"]
    talk.hears("I")
    assert talk.says(statement("SELECT 1") + SYNC) == []
    talk.hears("I")
    assert talk.says(run("one") + SYNC) == ["Sync"]
    talk.hears("I")
    assert talk.says(typed("C", b"Sone\0") + SYNC + run("one") + SYNC) == []


@given(cuts=all_cuts)
@settings(deadline=None)
def test_a_simple_write_without_a_block_commits(cuts: tuple[int, ...]) -> None:
    assert Conversation(cuts).says(query("INSERT INTO item VALUES (1)")) == ["Query"]


def test_what_is_parsed_and_not_executed_commits_nothing() -> None:
    assert Conversation().says(parse(INSERT) + SYNC) == []


def test_a_write_that_is_rolled_back_in_its_group_commits_nothing() -> None:
    assert Conversation().says(statement(INSERT) + statement("ROLLBACK") + SYNC) == []


def test_the_commit_of_a_block_that_has_failed_is_a_rollback() -> None:
    talk = Conversation()
    talk.says(query("BEGIN"))
    talk.hears("E")
    assert talk.says(query("COMMIT")) == []
    talk.hears("I")
    assert talk.says(query("COMMIT")) == ["Query"]


def test_a_status_that_is_older_than_a_block_says_nothing_of_it() -> None:
    talk = Conversation()
    talk.says(statement("SELECT 1") + SYNC + statement("BEGIN"))
    talk.hears("I")
    assert talk.says(statement(INSERT) + SYNC) == []


def test_a_long_statement_is_known_by_its_beginning() -> None:
    text = f"INSERT INTO item VALUES ('{'x' * 3 * WATCHED_HEAD_BYTES}')"
    assert Conversation().says(statement(text) + SYNC) == ["Sync"]


def test_a_copy_swallows_the_sync_before_its_data() -> None:
    talk = Conversation()
    talk.says(statement("COPY item FROM STDIN") + SYNC)
    talk.watch.received(Message("CopyInResponse", 0, 8, b""))
    talk.says(typed("d", b"1\n") + typed("c") + SYNC)
    assert talk.watch.owed == 1
    talk.hears("I")
    assert talk.watch.owed == 0
