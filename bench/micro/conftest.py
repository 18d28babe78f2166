"""A real server for the measurements of the harness's own cost."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

import pytest

from outboxbench.harness.janitor import Janitor
from outboxbench.harness.postgres.databases import Databases
from outboxbench.harness.postgres.server import open_server
from outboxbench.harness.suite.model import DatasetSize
from outboxbench.harness.suite.template import prepare_template

if TYPE_CHECKING:
    from collections.abc import Iterator

    from outboxbench.core.strategies.settings import DatabaseAddress

DATASET = DatasetSize(accounts=10_000, orders=1)


@pytest.fixture(scope="session")
def seeded_databases() -> Iterator[Databases]:
    with (
        Janitor() as janitor,
        open_server(None, None, janitor) as server,
        Databases(server, secrets.token_hex(4)) as databases,
    ):
        databases.create_template(lambda address: prepare_template(address, DATASET))
        yield databases


@pytest.fixture
def seeded_database(seeded_databases: Databases) -> Iterator[DatabaseAddress]:
    address = seeded_databases.create("micro")
    yield address
    seeded_databases.drop(address)
