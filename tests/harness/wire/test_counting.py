"""What is counted follows from the order of the messages alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from outboxbench.harness.wire.counting import SessionCounter
from outboxbench.harness.wire.protocol import BACKEND_NAMES, FRONTEND_NAMES, Message

if TYPE_CHECKING:
    from outboxbench.harness.wire.counts import WireCounts

QUERY = "> Query < CommandComplete ReadyForQuery"
EXTENDED = "> Parse Bind Describe Execute"
ANSWERS = "ParseComplete BindComplete RowDescription DataRow CommandComplete"


def after(*script: str) -> WireCounts:
    """Return the counts after a script of message names; `>` is the client, `<` the server.

    A name may be followed by a colon and its payload, with `_` for a blank.
    """
    counter = SessionCounter()
    counter.received(Message("ReadyForQuery", 0, 6, b"I"))
    for word in " ".join(script).split():
        if word in "<>":
            note = counter.sent if word == ">" else counter.received
            continue
        name, _, text = word.partition(":")
        if name == "ReadyForQuery":
            text = text or "I"
        elif name == "CommandComplete":
            text += "\0"
        note(Message(name, 0, 5 + len(text), text.replace("_", " ").encode()))
    return counter.counts()


def test_a_simple_query_is_one_round_trip() -> None:
    counts = after(QUERY, QUERY)

    assert (counts.round_trips, counts.direction_changes, counts.statements) == (2, 2, 2)
    assert counts.ready_for_query == 2


def test_an_awaited_sync_is_one_round_trip() -> None:
    counts = after(f"{EXTENDED} Sync < {ANSWERS} ReadyForQuery")

    assert (counts.round_trips, counts.statements) == (1, 1)
    assert counts.frontend_messages == dict.fromkeys(
        ("Bind", "Describe", "Execute", "Parse", "Sync"), 1
    )
    assert counts.backend_messages["DataRow"] == 1


def test_a_flush_whose_answers_are_awaited_is_a_round_trip() -> None:
    counts = after(
        "> Parse Describe Flush < ParseComplete ParameterDescription NoData",
        "> Bind Execute Sync < BindComplete CommandComplete ReadyForQuery",
    )

    assert counts.round_trips == 2


def test_a_flush_is_answered_only_when_all_is_answered() -> None:
    counts = after(
        f"{EXTENDED} Flush < ParseComplete BindComplete RowDescription",
        "> Bind Execute Sync < CommandComplete BindComplete CommandComplete ReadyForQuery",
    )

    assert counts.round_trips == 1


def test_a_flush_that_nothing_is_due_for_is_none() -> None:
    assert after("> Flush", QUERY, "> Flush", QUERY).round_trips == 2


def test_a_flush_after_a_sync_asks_for_the_same_answer() -> None:
    counts = after(f"{EXTENDED} Sync Flush < {ANSWERS} ReadyForQuery")

    assert counts.round_trips == 1


def test_of_syncs_in_a_row_only_the_last_is_awaited() -> None:
    counts = after(
        "> Bind Execute Sync Bind Execute Sync Query",
        "< BindComplete CommandComplete ReadyForQuery",
        "< BindComplete CommandComplete ReadyForQuery CommandComplete ReadyForQuery",
    )

    assert (counts.round_trips, counts.ready_for_query, counts.statements) == (1, 3, 3)
    assert counts.direction_changes == 1


def test_a_sync_is_not_awaited_by_a_client_that_sends_more_before_its_answer() -> None:
    counts = after(
        "> Bind Execute Sync < BindComplete",
        "> Bind Execute Sync < CommandComplete ReadyForQuery",
        "< BindComplete CommandComplete ReadyForQuery",
    )

    assert counts.round_trips == 1
    assert counts.direction_changes == 2


def test_what_was_not_answered_yet_is_no_round_trip() -> None:
    assert after("> Query").round_trips == 0
    assert after(f"{EXTENDED} Sync < {ANSWERS}").round_trips == 0


@pytest.mark.parametrize("closing", ["CommandComplete", "PortalSuspended", "EmptyQueryResponse"])
def test_an_execute_may_end_in_three_ways(closing: str) -> None:
    assert after(f"> Bind Execute Flush < BindComplete {closing}").round_trips == 1


def test_closing_a_statement_is_a_round_trip() -> None:
    assert after("> Close Sync < CloseComplete ReadyForQuery").round_trips == 1


def test_a_function_call_is_a_round_trip() -> None:
    assert after("> FunctionCall < FunctionCallResponse ReadyForQuery").round_trips == 1


def test_an_error_answers_all_up_to_the_sync() -> None:
    counts = after(f"{EXTENDED} Bind Execute Sync < ErrorResponse ReadyForQuery", QUERY)

    assert counts.round_trips == 2


def test_an_error_answers_a_flush_and_what_follows_is_not_heard_until_the_sync() -> None:
    counts = after(
        "> Parse Describe Flush < ErrorResponse",
        "> Bind Execute Flush Query",
        "> Sync < ReadyForQuery",
        QUERY,
    )

    assert counts.round_trips == 3


def test_an_error_at_a_sync_belongs_to_the_sync() -> None:
    counts = after("> Bind Execute Sync < BindComplete CommandComplete ErrorResponse ReadyForQuery")

    assert counts.round_trips == 1


def test_an_error_in_a_simple_query_is_over_with_it() -> None:
    assert after("> Query < ErrorResponse ReadyForQuery", QUERY).round_trips == 2


def test_messages_that_nobody_asked_for_are_no_answers() -> None:
    counts = after("< NotificationResponse > Query < NoticeResponse ParameterStatus > Flush")

    assert counts.round_trips == 0


def test_a_copy_from_the_client_is_awaited_twice() -> None:
    counts = after(
        "> Query < CopyInResponse",
        "> CopyData CopyData CopyDone < CommandComplete ReadyForQuery",
        QUERY,
    )

    assert (counts.round_trips, counts.direction_changes) == (3, 3)


def test_a_copy_in_the_extended_protocol_swallows_the_first_sync() -> None:
    counts = after(
        "> Parse Bind Execute Sync < ParseComplete BindComplete CopyInResponse",
        "> CopyData Sync Flush CopyDone Sync < CommandComplete ReadyForQuery",
        QUERY,
    )

    assert counts.round_trips == 3


def test_a_copy_that_is_sent_blindly_is_awaited_once() -> None:
    counts = after(
        "> Bind Execute Sync CopyData CopyDone Sync",
        "< BindComplete CopyInResponse CommandComplete ReadyForQuery",
        QUERY,
    )

    assert counts.round_trips == 2


@pytest.mark.parametrize(
    "script",
    [
        "> Query < CopyInResponse > CopyData CopyFail < ErrorResponse ReadyForQuery",
        "> Query < CopyInResponse > CopyData < ErrorResponse > CopyDone < ReadyForQuery",
        "> Query < CopyInResponse > CopyDone < ErrorResponse ReadyForQuery > CopyDone",
        "> Execute Sync < CopyInResponse > < ErrorResponse > CopyDone Sync < ReadyForQuery",
    ],
)
def test_a_copy_that_fails_leaves_nothing_behind(script: str) -> None:
    assert after(script, QUERY).round_trips == 3


def test_a_copy_to_the_client_is_one_round_trip() -> None:
    counts = after("> Query < CopyOutResponse CopyData CopyDone CommandComplete ReadyForQuery")

    assert counts.round_trips == 1


def test_a_commit_is_counted_where_it_is_alone_and_in_a_pipeline() -> None:
    alone = after(
        "> Query < CommandComplete:BEGIN ReadyForQuery:T",
        "> Query < CommandComplete:COMMIT ReadyForQuery:I",
    )
    pipeline = after(
        "> Bind Execute Bind Execute Sync",
        "< BindComplete CommandComplete:BEGIN BindComplete CommandComplete:COMMIT ReadyForQuery:I",
    )

    for counts in (alone, pipeline):
        assert (counts.commits, counts.rollbacks, counts.transactions) == (1, 0, 1)


@pytest.mark.parametrize("status", ["T", "E"])
def test_a_transaction_that_ends_without_its_commit_is_rolled_back(status: str) -> None:
    counts = after(
        f"> Query < CommandComplete:BEGIN ReadyForQuery:{status}",
        f"> Query < CommandComplete:ROLLBACK ReadyForQuery:{status}",
        "> Query < CommandComplete:ROLLBACK ReadyForQuery:I",
    )

    assert (counts.commits, counts.rollbacks) == (0, 1)


def test_a_statement_of_its_own_is_a_transaction_without_a_commit() -> None:
    counts = after(
        "> Query < CommandComplete:SELECT ReadyForQuery:I",
        "> Query < CommandComplete:COMMIT_PREPARED ReadyForQuery:I",
    )

    assert (counts.commits, counts.rollbacks, counts.transactions) == (0, 0, 2)


def test_what_comes_before_the_session_is_ready_is_not_counted() -> None:
    counter = SessionCounter()
    counter.sent(Message("StartupMessage", 0, 40, b"\0\3\0\0"))
    counter.received(Message("Authentication", 0, 9, b"\0\0\0\0"))
    assert counter.counts().sessions == 0

    counter.received(Message("ReadyForQuery", 0, 6, b"I"))

    counts = counter.counts()
    assert (counts.sessions, counts.round_trips, counts.backend_messages) == (1, 0, {})


messages = st.one_of(
    st.tuples(st.just(">"), st.sampled_from(sorted(FRONTEND_NAMES.values()))),
    st.tuples(st.just("<"), st.sampled_from(sorted(BACKEND_NAMES.values()))),
).map(" ".join)


@settings(deadline=None)
@given(st.lists(messages))
def test_no_order_of_messages_breaks_the_counting(script: list[str]) -> None:
    counts = after(*script)

    asked = sum(counts.frontend_messages.values())
    answered = sum(counts.backend_messages.values())
    assert 0 <= counts.round_trips <= counts.direction_changes <= min(asked, answered)
