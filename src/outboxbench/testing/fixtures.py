"""The pytest plugin of the contract: a server, and on it one database a class of tests.

To use a server of your own, define a fixture `contract_server` that gives its address; the role
must be a superuser, and only databases named `outboxbench_*` are created and dropped.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import uuid4

import pytest
from psycopg import sql

from outboxbench.harness.janitor import Janitor
from outboxbench.harness.postgres.server import connect, open_server

if TYPE_CHECKING:
    from collections.abc import Iterator

    from outboxbench.core.strategies.settings import DatabaseAddress


@pytest.fixture(scope="session")
def contract_server() -> Iterator[DatabaseAddress]:
    """The address of an embedded server that ends with the session."""
    with Janitor() as janitor, open_server(None, None, janitor) as server:
        yield server.address


@pytest.fixture(scope="class")
def contract_database(contract_server: DatabaseAddress) -> Iterator[DatabaseAddress]:
    """The address of a database that nobody else uses."""
    address = contract_server.with_database(f"outboxbench_contract_{uuid4().hex}")
    name = sql.Identifier(address.database)
    with connect(contract_server) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(name))
        try:
            yield address
        finally:
            connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(name))
