"""What all tests share: one embedded server, and a fresh database of it for who asks."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

import pytest

from outboxbench.harness.janitor import Janitor
from outboxbench.harness.postgres.databases import Databases
from outboxbench.harness.postgres.server import open_server
from outboxbench.harness.postgres.tuning import LOG_RELAY_SETTINGS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from outboxbench.core.strategies.settings import DatabaseAddress
    from outboxbench.harness.postgres.server import Server


@pytest.fixture(scope="session")
def janitor() -> Iterator[Janitor]:
    """Cleans up after the tests, however they end."""
    with Janitor() as janitor:
        yield janitor


@pytest.fixture(scope="session")
def postgres_server(janitor: Janitor) -> Iterator[Server]:
    """An embedded server; `address` is its superuser's."""
    with open_server(None, None, janitor) as server:
        yield server


@pytest.fixture(scope="session")
def _databases(postgres_server: Server) -> Iterator[Databases]:
    with Databases(postgres_server, f"tests{secrets.token_hex(4)}") as databases:
        yield databases


@pytest.fixture(scope="session")
def logical_server(janitor: Janitor) -> Iterator[Server]:
    """An embedded server whose log may be read."""
    with open_server(None, None, janitor, LOG_RELAY_SETTINGS) as server:
        yield server


@pytest.fixture(scope="session")
def logical_databases(logical_server: Server) -> Iterator[Databases]:
    """Makes databases whose log may be read."""
    with Databases(logical_server, f"log{secrets.token_hex(4)}") as databases:
        yield databases


@pytest.fixture
def database(_databases: Databases) -> Iterator[DatabaseAddress]:
    """A fresh, empty database, dropped after the test."""
    address = _databases.create(secrets.token_hex(4))
    yield address
    _databases.drop(address)
