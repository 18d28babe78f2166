"""A proxy in front of the server that all tests share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from outboxbench.harness.wire.proxy_process import FaultProxy, WireProxy

if TYPE_CHECKING:
    from collections.abc import Iterator

    from outboxbench.core.strategies.settings import DatabaseAddress
    from outboxbench.harness.janitor import Janitor
    from outboxbench.harness.postgres.server import Server


@pytest.fixture(scope="module")
def proxy(postgres_server: Server, janitor: Janitor) -> Iterator[WireProxy]:
    with WireProxy(postgres_server.address, janitor) as proxy:
        yield proxy


@pytest.fixture
def proxied(proxy: WireProxy, database: DatabaseAddress) -> DatabaseAddress:
    """A fresh database as seen through the proxy."""
    return proxy.address(database.database)


@pytest.fixture(scope="module")
def _fault_proxy(postgres_server: Server, janitor: Janitor) -> Iterator[FaultProxy]:
    with FaultProxy(postgres_server.address, janitor) as proxy:
        yield proxy


@pytest.fixture
def fault_proxy(_fault_proxy: FaultProxy) -> Iterator[FaultProxy]:
    """A proxy with no fault on; what a test leaves behind is healed, and its connections end."""
    yield _fault_proxy
    _fault_proxy.ask({"do": "heal"})
    _fault_proxy.ask({"do": "forget"})
    _fault_proxy.ask({"do": "reset"})


@pytest.fixture
def faulty(fault_proxy: FaultProxy, database: DatabaseAddress) -> DatabaseAddress:
    """A fresh database, seen through the proxy."""
    return fault_proxy.address(database.database)
