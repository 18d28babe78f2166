"""Asks a server for a connection, to learn with which SQLSTATE it refuses.

libpq gives the words of a refusal alone, and they depend on the server's language.
"""

from __future__ import annotations

import socket
import struct
from typing import TYPE_CHECKING, Final

from outboxbench.harness.postgres.server import CONNECT_TIMEOUT_S

if TYPE_CHECKING:
    from outboxbench.core.strategies.settings import DatabaseAddress

_PROTOCOL_VERSION = 3 << 16
_MOST_BYTES: Final = 8192


def refusal_sqlstate(address: DatabaseAddress) -> str | None:
    """Return the SQLSTATE with which the server refuses; None if it asks for a password instead.

    Raises:
        OSError: the server does not answer at all.
    """
    parameters = ("user", address.user, "database", address.database)
    body = b"".join(each.encode() + b"\0" for each in parameters) + b"\0"
    startup = struct.pack("!II", len(body) + 8, _PROTOCOL_VERSION) + body
    with socket.create_connection((address.host, address.port), CONNECT_TIMEOUT_S) as probe:
        probe.sendall(startup)
        answer = bytearray()
        # Who refuses hangs up afterwards, and who does not says "R" and waits.
        while not answer.startswith(b"R") and len(answer) < _MOST_BYTES:
            received = probe.recv(_MOST_BYTES)
            if not received:
                break
            answer += received
    return _sqlstate(bytes(answer))


def _sqlstate(answer: bytes) -> str | None:
    if not answer.startswith(b"E"):
        return None
    fields = answer[5:].split(b"\0")
    return next((field[1:].decode() for field in fields if field.startswith(b"C")), None)
