"""A proxy in front of the server that all tests share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from outboxbench.harness.wire.proxy_process import WireProxy

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
