"""Connections as they look below a client's library."""

from __future__ import annotations

import contextlib
import socket
import struct
from typing import TYPE_CHECKING

import pytest
from tests.harness.wire.faults import PATIENCE_S
from tests.harness.wire.streams import SSL_REQUEST, untyped

from outboxbench.harness.postgres.server import connect

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    import psycopg

    from outboxbench.core.strategies.settings import DatabaseAddress

QUERY = b"Q" + struct.pack("!I", 4 + len(b"SELECT 1\0")) + b"SELECT 1\0"
HELLO = untyped(SSL_REQUEST)
"""What the server answers with one byte."""
SILENCE_S = 0.3
"""How long nothing came, where nothing is to come. A slow machine only makes it less telling."""


def assert_works(address: DatabaseAddress) -> None:
    with connect(address) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)


@contextlib.contextmanager
def wire_of(connection: psycopg.Connection[Any]) -> Iterator[socket.socket]:
    """What a client's connection looks like below its library."""
    with socket.socket(fileno=connection.fileno()) as borrowed:
        try:
            with borrowed.dup() as wire:
                yield wire
        finally:
            borrowed.detach()


@contextlib.contextmanager
def new_wire(address: DatabaseAddress) -> Iterator[socket.socket]:
    with socket.create_connection((address.host, address.port), PATIENCE_S) as wire:
        yield wire


def assert_silent(wire: socket.socket) -> None:
    """Nothing comes, not even an end."""
    wire.settimeout(SILENCE_S)
    with pytest.raises(TimeoutError):
        wire.recv(1)
