"""The parser that steps over messages finds those that it is for, as the one that does not."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.harness.wire.streams import READY, typed

from outboxbench.harness.wire.protocol import BackendParser, Message
from outboxbench.harness.wire.ready_parser import ReadyParser

TELLING = ("ReadyForQuery", "CopyInResponse")

statuses = st.sampled_from([b"I", b"T", b"E"])
answers = st.lists(
    st.one_of(
        st.builds(typed, st.sampled_from("TDCZG1"), st.binary(min_size=1, max_size=40)),
        st.builds(typed, st.just("Z"), statuses),
        st.just(typed("2")),
    )
).map(b"".join)


def facts(messages: list[Message]) -> list[tuple[str, int, int, bytes]]:
    return [
        (message.name, message.start, message.size_bytes, message.head[:1])
        for message in messages
        if message.name in TELLING
    ]


@given(answers=answers, cuts=st.lists(st.integers(min_value=0, max_value=500)))
@settings(deadline=None)
def test_what_tells_is_found_however_it_is_cut(answers: bytes, cuts: list[int]) -> None:
    stream = typed("R", bytes(4)) + READY + answers
    places = [0, *sorted({min(cut, len(stream)) for cut in cuts}), len(stream)]
    expected = facts(BackendParser().feed(stream))
    in_pieces, byte_by_byte = ReadyParser(), ReadyParser()

    assert facts(ReadyParser().feed(stream)) == expected
    found = [
        message for begin, end in pairwise(places) for message in in_pieces.feed(stream[begin:end])
    ]
    assert facts(found) == expected
    found = [
        message
        for place in range(len(stream))
        for message in byte_by_byte.feed(stream[place : place + 1])
    ]
    assert facts(found) == expected
    assert in_pieces.position == byte_by_byte.position == len(stream)


def test_an_answer_to_a_request_to_encrypt_is_seen() -> None:
    for answer, name in ((b"N", "EncryptionRefused"), (b"S", "EncryptionAccepted")):
        parser = ReadyParser()
        parser.expect_encryption_answer()
        assert [message.name for message in parser.feed(answer)] == [name]


def test_what_is_no_such_protocol_has_no_messages() -> None:
    parser = ReadyParser()
    assert len(parser.feed(READY)) == 1
    assert parser.feed(b"D\0\0\0\0" + READY) == []
    assert parser.feed(READY) == []
    assert parser.held == b""
