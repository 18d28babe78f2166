"""Finds in the server's stream what tells how far it is, and steps over everything else.

An answer may have thousands of rows, and looking at each costs more than passing it on.
"""

from __future__ import annotations

from struct import Struct
from typing import Final

from outboxbench.harness.wire.protocol import BACKEND_NAMES, BackendParser, Message

_LENGTH: Final = Struct("!I")
_HEADER_BYTES: Final = 5
_STATUS_BYTES: Final = 1
_TELLING: Final = {ord("Z"): BACKEND_NAMES["Z"], ord("G"): BACKEND_NAMES["G"]}


class ReadyParser(BackendParser):
    """Returns all messages up to the first ReadyForQuery; then these and CopyInResponse alone.

    Of a payload its first byte is looked at, which is a status.
    """

    def __init__(self) -> None:
        super().__init__(_STATUS_BYTES)
        self._is_started = False

    def feed(self, data: bytes) -> list[Message]:
        """Take the next bytes of the stream; return the messages that begin to show in them."""
        if not self._is_started or self._is_opaque:
            messages = super().feed(data)
            self._is_started |= any(message.name == "ReadyForQuery" for message in messages)
            return messages
        self.position += len(data)
        offset, size_bytes = self._rest_bytes, len(data)
        if size_bytes <= offset:
            self._rest_bytes -= size_bytes
            return []
        if self.held:
            data = self.held + data
            size_bytes = len(data)
        return self._step_over(data, offset, size_bytes)

    def _step_over(self, data: bytes, offset: int, size_bytes: int) -> list[Message]:
        first = self.position - size_bytes
        messages: list[Message] = []
        length_at = _LENGTH.unpack_from
        while offset + _HEADER_BYTES <= size_bytes:
            (length_bytes,) = length_at(data, offset + 1)
            if length_bytes < _LENGTH.size:
                self.become_opaque()
                break
            if name := _TELLING.get(data[offset]):
                begin = offset + _HEADER_BYTES
                if begin == size_bytes:
                    # The status is still to come.
                    break
                head = data[begin : begin + _STATUS_BYTES]
                messages.append(Message(name, first + offset, 1 + length_bytes, head))
            offset += 1 + length_bytes
        self._rest_bytes = max(0, offset - size_bytes)
        self.held = b"" if self._is_opaque else data[offset:]
        return messages
