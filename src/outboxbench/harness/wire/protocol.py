"""Finds the messages in a stream of PostgreSQL's protocol, version 3, however it is cut in pieces.

Nothing is decoded but what counting needs, and no payload is kept: of a message that is not whole
yet only its first bytes wait here, until they say what it is.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from struct import Struct
from typing import Final, NamedTuple

HEAD_BYTES: Final = 16
"""How much of a message's payload is looked at where nothing else is asked for: enough for a status
and a command tag."""

FRONTEND_NAMES: Final = {
    "B": "Bind",
    "C": "Close",
    "d": "CopyData",
    "c": "CopyDone",
    "f": "CopyFail",
    "D": "Describe",
    "E": "Execute",
    "H": "Flush",
    "F": "FunctionCall",
    "P": "Parse",
    # The same letter carries every answer to a request for authentication.
    "p": "PasswordMessage",
    "Q": "Query",
    "S": "Sync",
    "X": "Terminate",
}
BACKEND_NAMES: Final = {
    "R": "Authentication",
    "K": "BackendKeyData",
    "2": "BindComplete",
    "3": "CloseComplete",
    "C": "CommandComplete",
    "W": "CopyBothResponse",
    "d": "CopyData",
    "c": "CopyDone",
    "G": "CopyInResponse",
    "H": "CopyOutResponse",
    "D": "DataRow",
    "I": "EmptyQueryResponse",
    "E": "ErrorResponse",
    "V": "FunctionCallResponse",
    "v": "NegotiateProtocolVersion",
    "n": "NoData",
    "N": "NoticeResponse",
    "A": "NotificationResponse",
    "t": "ParameterDescription",
    "S": "ParameterStatus",
    "1": "ParseComplete",
    "s": "PortalSuspended",
    "Z": "ReadyForQuery",
    "T": "RowDescription",
}

_STARTUP_NAMES: Final = {
    80877102: "CancelRequest",
    80877103: "SSLRequest",
    80877104: "GSSENCRequest",
}
_PROTOCOL: Final = 3
_LONGEST_STARTUP_BYTES: Final = 10_000
_ENCRYPTION_ANSWERS: Final = {
    b"N": "EncryptionRefused",
    b"S": "EncryptionAccepted",
    b"G": "EncryptionAccepted",
}

_TYPE_AND_LENGTH: Final = Struct("!cI")
_LENGTH_AND_CODE: Final = Struct("!II")


class Message(NamedTuple):
    """A message, known by its first bytes; the rest of it may still be on its way.

    `start` is its place in the stream, `size_bytes` its whole length on the wire, and `head` the
    first bytes of its payload. That of a PasswordMessage is not shown.
    """

    name: str
    start: int
    size_bytes: int
    head: bytes


class StreamParser(ABC):
    """What both directions have in common. A subclass says what its messages begin with.

    A stream that is no such protocol (or TLS, which nobody here can read) has no messages. Of each
    message `head_bytes` of its payload are looked at, and waited for.
    """

    def __init__(self, head_bytes: int = HEAD_BYTES) -> None:
        self._head_bytes = head_bytes
        self.position = 0
        """How many bytes were fed, all in all."""
        self.held = b""
        """The bytes at the end of what was fed that do not say yet what they begin."""
        self._rest_bytes = 0
        self._is_opaque = False

    def feed(self, data: bytes) -> list[Message]:
        """Take the next bytes of the stream; return the messages that begin to show in them."""
        self.position += len(data)
        if self._is_opaque:
            return []
        if len(data) <= self._rest_bytes:
            self._rest_bytes -= len(data)
            return []
        if self.held:
            data = self.held + data
        first = self.position - len(data)
        offset = self._rest_bytes
        messages: list[Message] = []
        while offset < len(data) and not self._is_opaque:
            message = self._message_at(data, offset, first + offset)
            if message is None:
                break
            messages.append(message)
            offset += message.size_bytes
        self._rest_bytes = max(0, offset - len(data))
        self.held = b"" if self._is_opaque else data[offset:]
        return messages

    def become_opaque(self) -> None:
        """What follows cannot be read: it is encrypted, or no message at all."""
        self._is_opaque = True
        self.held = b""

    @abstractmethod
    def _message_at(self, data: bytes, offset: int, start: int) -> Message | None:
        """Return the message that begins at an offset, or None if too little of it is there."""

    def _typed_message_at(
        self, names: dict[str, str], data: bytes, offset: int, start: int
    ) -> Message | None:
        if len(data) - offset < _TYPE_AND_LENGTH.size:
            return None
        letter, length_bytes = _TYPE_AND_LENGTH.unpack_from(data, offset)
        if length_bytes < 4:
            self.become_opaque()
            return None
        begin = offset + _TYPE_AND_LENGTH.size
        end = begin + min(length_bytes - 4, self._head_bytes)
        if end > len(data):
            return None
        key = letter.decode("latin-1")
        head = b"" if key == "p" else data[begin:end]
        return Message(names.get(key, key), start, 1 + length_bytes, head)


class FrontendParser(StreamParser):
    """The client's side, which begins with messages that bear no type."""

    def __init__(self, head_bytes: int = HEAD_BYTES) -> None:
        super().__init__(head_bytes)
        self._is_starting = True

    def _message_at(self, data: bytes, offset: int, start: int) -> Message | None:
        if not self._is_starting:
            return self._typed_message_at(FRONTEND_NAMES, data, offset, start)
        if len(data) - offset < _LENGTH_AND_CODE.size:
            return None
        length_bytes, code = _LENGTH_AND_CODE.unpack_from(data, offset)
        name = _STARTUP_NAMES.get(code)
        if name is None and code >> 16 == _PROTOCOL:
            name = "StartupMessage"
            self._is_starting = False
        if name is None or not _LENGTH_AND_CODE.size <= length_bytes <= _LONGEST_STARTUP_BYTES:
            self.become_opaque()
            return None
        return Message(name, start, length_bytes, data[offset + 4 : offset + 8])


class BackendParser(StreamParser):
    """The server's side: typed messages, but for its one-byte answer to a request to encrypt."""

    def __init__(self, head_bytes: int = HEAD_BYTES) -> None:
        super().__init__(head_bytes)
        self._owes_encryption_answer = False

    def expect_encryption_answer(self) -> None:
        """The client has just asked to encrypt."""
        self._owes_encryption_answer = True

    def _message_at(self, data: bytes, offset: int, start: int) -> Message | None:
        if self._owes_encryption_answer:
            self._owes_encryption_answer = False
            answer = data[offset : offset + 1]
            if name := _ENCRYPTION_ANSWERS.get(answer):
                if name == "EncryptionAccepted":
                    self.become_opaque()
                return Message(name, start, 1, answer)
        return self._typed_message_at(BACKEND_NAMES, data, offset, start)
