"""The messages of a stream are found however it is cut, and little is kept to find them."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.harness.wire.streams import (
    CANCEL_REQUEST,
    PROTOCOL_3_0,
    READY,
    SSL_REQUEST,
    STARTUP,
    typed,
    untyped,
)

from outboxbench.harness.wire.protocol import (
    BACKEND_NAMES,
    FRONTEND_NAMES,
    HEAD_BYTES,
    BackendParser,
    FrontendParser,
    Message,
)

if TYPE_CHECKING:
    from outboxbench.harness.wire.protocol import StreamParser

LONGEST_HEAD_BYTES = 5 + HEAD_BYTES

payloads = st.binary(max_size=3 * HEAD_BYTES)
typed_streams = st.lists(st.builds(typed, st.characters(max_codepoint=255), payloads)).map(b"".join)
frontend_streams = st.builds(
    lambda requests, rest: b"".join(requests) + STARTUP + rest,
    st.lists(st.just(untyped(SSL_REQUEST)), max_size=2),
    typed_streams,
)
cuts = st.lists(st.integers(min_value=0, max_value=2000))


def names(messages: list[Message]) -> list[str]:
    return [message.name for message in messages]


def pieces(stream: bytes, cuts: list[int]) -> list[bytes]:
    places = [0, *sorted({min(cut, len(stream)) for cut in cuts}), len(stream)]
    return [stream[begin:end] for begin, end in pairwise(places)]


def assert_found_in_pieces(parser: StreamParser, stream: bytes, whole: list[Message]) -> None:
    """One byte at a time is the hardest way to be fed."""
    found: list[Message] = []
    for number in range(len(stream)):
        found += parser.feed(stream[number : number + 1])
        assert len(parser.held) < LONGEST_HEAD_BYTES
    assert found == whole


def test_a_client_is_followed_from_its_first_byte_to_its_last() -> None:
    stream = (
        untyped(SSL_REQUEST)
        + STARTUP
        + typed("p", b"SCRAM-SHA-256\0secret")
        + typed("Q", b"SELECT 1\0")
        + typed("X")
    )

    messages = FrontendParser().feed(stream)

    assert names(messages) == [
        "SSLRequest",
        "StartupMessage",
        "PasswordMessage",
        "Query",
        "Terminate",
    ]
    assert [message.start for message in messages] == [0, 8, 8 + len(STARTUP), 55, 69]
    assert sum(message.size_bytes for message in messages) == len(stream)


def test_what_authenticates_is_not_shown() -> None:
    (_, message) = FrontendParser().feed(STARTUP + typed("p", b"secret"))

    assert message.head == b""


def test_every_message_of_the_protocol_has_its_name() -> None:
    frontend, backend = FrontendParser(), BackendParser()
    frontend.feed(STARTUP)

    asked = frontend.feed(b"".join(typed(letter) for letter in FRONTEND_NAMES))
    answered = backend.feed(b"".join(typed(letter) for letter in BACKEND_NAMES))

    assert names(asked) == list(FRONTEND_NAMES.values())
    assert names(answered) == list(BACKEND_NAMES.values())


def test_a_message_is_announced_as_soon_as_its_head_is_there() -> None:
    parser = BackendParser()
    row = typed("D", bytes(1_000_000))

    assert parser.feed(row[: LONGEST_HEAD_BYTES - 1]) == []
    assert len(parser.held) == LONGEST_HEAD_BYTES - 1
    (message,) = parser.feed(row[LONGEST_HEAD_BYTES - 1 : 100])
    assert message == Message("DataRow", 0, len(row), bytes(HEAD_BYTES))
    assert parser.held == b""
    assert names(parser.feed(row[100:] + READY)) == ["ReadyForQuery"]


@settings(deadline=None)
@given(frontend_streams, cuts)
def test_the_messages_of_a_client_do_not_depend_on_the_cuts(stream: bytes, cuts: list[int]) -> None:
    whole, parser = FrontendParser().feed(stream), FrontendParser()

    assert [each for piece in pieces(stream, cuts) for each in parser.feed(piece)] == whole
    assert sum(message.size_bytes for message in whole) == parser.position == len(stream)
    assert_found_in_pieces(FrontendParser(), stream, whole)


@settings(deadline=None)
@given(typed_streams, cuts)
def test_the_messages_of_a_server_do_not_depend_on_the_cuts(stream: bytes, cuts: list[int]) -> None:
    whole, parser = BackendParser().feed(stream), BackendParser()

    assert [each for piece in pieces(stream, cuts) for each in parser.feed(piece)] == whole
    assert sum(message.size_bytes for message in whole) == parser.position == len(stream)
    assert_found_in_pieces(BackendParser(), stream, whole)


@settings(deadline=None)
@given(st.binary())
def test_no_stream_of_bytes_breaks_a_parser(stream: bytes) -> None:
    for parser, whole in (
        (FrontendParser(), FrontendParser().feed(stream)),
        (BackendParser(), BackendParser().feed(stream)),
    ):
        assert_found_in_pieces(parser, stream, whole)


def test_a_refusal_to_encrypt_is_one_byte() -> None:
    parser = BackendParser()
    parser.expect_encryption_answer()

    assert names(parser.feed(b"N" + typed("R", b"\0\0\0\0"))) == [
        "EncryptionRefused",
        "Authentication",
    ]


@pytest.mark.parametrize("answer", [b"S", b"G"])
def test_nothing_is_found_in_what_is_encrypted(answer: bytes) -> None:
    parser = BackendParser()
    parser.expect_encryption_answer()

    assert names(parser.feed(answer + READY)) == ["EncryptionAccepted"]
    assert parser.feed(READY) == []
    assert parser.held == b""


def test_an_error_may_answer_the_request_to_encrypt() -> None:
    parser = BackendParser()
    parser.expect_encryption_answer()

    assert names(parser.feed(typed("E", b"SFATAL\0\0"))) == ["ErrorResponse"]


def test_a_cancel_request_is_known() -> None:
    messages = FrontendParser().feed(untyped(CANCEL_REQUEST, bytes(8)))

    assert messages == [Message("CancelRequest", 0, 16, CANCEL_REQUEST.to_bytes(4, "big"))]


@pytest.mark.parametrize(
    "stream",
    [
        b"GET / HTTP/1.1\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        untyped(2 << 16, b"of long ago"),
        untyped(PROTOCOL_3_0, bytes(20_000)),
        STARTUP + b"Q\0\0\0\3",
    ],
    ids=["http", "tls", "protocol 2", "endless startup", "impossible length"],
)
def test_what_is_no_such_protocol_has_no_messages(stream: bytes) -> None:
    parser = FrontendParser()

    parser.feed(stream)

    assert parser.feed(typed("Q", b"SELECT 1\0")) == []
    assert parser.held == b""
    assert parser.position == len(stream) + 14
