"""A server that leaves with something unread: its last word and a reset, which come as one.

So does a backend that is terminated while a query is on its way. The proxies run as they do in
earnest, as processes: their event loop is told of such a socket a single time.
"""

from __future__ import annotations

import contextlib
import socket
import time
from typing import TYPE_CHECKING

import pytest
from tests.harness.wire.streams import STARTUP

from outboxbench.core.strategies.settings import DatabaseAddress
from outboxbench.harness.wire.proxy_process import FaultProxy, NetworkProxy, WireProxy

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from outboxbench.harness.janitor import Janitor

ROUNDS = 20
PATIENCE_S = 10.0
LAST_WORD = b"last word"
PROXIES: dict[str, Callable[[DatabaseAddress, Janitor], FaultProxy | NetworkProxy | WireProxy]] = {
    "counting": WireProxy,
    "far": lambda address, janitor: NetworkProxy(address, 1.0, janitor),
    "faulty": FaultProxy,
}


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(PATIENCE_S)
        yield listener


@pytest.mark.parametrize("proxy", PROXIES)
def test_the_client_hears_of_the_end(proxy: str, listener: socket.socket, janitor: Janitor) -> None:
    address = DatabaseAddress("127.0.0.1", listener.getsockname()[1], "me", "secret", "none")
    with PROXIES[proxy](address, janitor) as running:
        port = running.address("none").port
        for _ in range(ROUNDS):
            with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S) as client:
                client.sendall(STARTUP)
                server, _ = listener.accept()
                server.settimeout(PATIENCE_S)
                assert server.recv(len(STARTUP)) == STARTUP
                client.sendall(b"never read")
                time.sleep(0.02)
                server.sendall(LAST_WORD)
                server.close()
                heard = b""
                with contextlib.suppress(ConnectionResetError):
                    while data := client.recv(100):
                        heard += data
                assert LAST_WORD.startswith(heard)
