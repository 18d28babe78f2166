"""Streams of PostgreSQL's protocol, put together by hand."""

from __future__ import annotations

import struct

SSL_REQUEST = 80877103
CANCEL_REQUEST = 80877102
PROTOCOL_3_0 = 3 << 16


def typed(letter: str, payload: bytes = b"") -> bytes:
    return letter.encode("latin-1") + struct.pack("!I", 4 + len(payload)) + payload


def untyped(code: int, payload: bytes = b"") -> bytes:
    return struct.pack("!II", 8 + len(payload), code) + payload


STARTUP = untyped(PROTOCOL_3_0, b"user\0someone\0\0")
READY = typed("Z", b"I")
