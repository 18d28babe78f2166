"""A server of each module's own, since faults hurt it, and a filled database."""

from __future__ import annotations

import secrets
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest
from tests.harness.faults.clients import NoLink, open_client

from outboxbench.harness.faults.scene import Scene
from outboxbench.harness.faults.seat import Seat
from outboxbench.harness.postgres.databases import Databases
from outboxbench.harness.postgres.server import open_server
from outboxbench.harness.suite.model import DatasetSize
from outboxbench.harness.suite.template import prepare_template

if TYPE_CHECKING:
    from collections.abc import Iterator

    import psycopg

    from outboxbench.core.strategies.settings import DatabaseAddress
    from outboxbench.harness.janitor import Janitor
    from outboxbench.harness.postgres.server import Server

# Few enough that taking them all is quick.
SETTINGS = {"max_connections": "20"}


@pytest.fixture(scope="module")
def server(janitor: Janitor) -> Iterator[Server]:
    with open_server(None, None, janitor, SETTINGS) as server:
        yield server


@pytest.fixture(scope="module")
def filled(server: Server) -> Iterator[DatabaseAddress]:
    with Databases(server, f"faults{secrets.token_hex(4)}") as databases:
        address = databases.create("block")
        prepare_template(address, DatasetSize(accounts=12, orders=5))
        yield address


@pytest.fixture
def scene(server: Server, filled: DatabaseAddress) -> Scene:
    return Scene(Seat(server, filled), NoLink())


@pytest.fixture
def client(scene: Scene) -> Iterator[psycopg.Connection[Any]]:
    with closing(open_client(scene.address)) as client:
        yield client
