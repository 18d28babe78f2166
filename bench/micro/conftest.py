"""A real server for what is measured here, and what each figure is held against."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any

import pytest
from bench.micro.reference import fastest_loop_ns

from outboxbench.harness.cost.counting import counting_server
from outboxbench.harness.janitor import Janitor
from outboxbench.harness.postgres.databases import Databases
from outboxbench.harness.postgres.server import open_server
from outboxbench.harness.suite.model import DatasetSize
from outboxbench.harness.suite.template import prepare_template
from outboxbench.harness.wire.proxy_process import WireProxy

if TYPE_CHECKING:
    from collections.abc import Iterator

    from outboxbench.core.strategies.settings import DatabaseAddress
    from outboxbench.harness.postgres.server import Server

DATASET = DatasetSize(accounts=10_000, orders=1)
SMALL = DatasetSize(accounts=1_000, orders=200)


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers", "in_baseline: its ratio to the loop of `reference` is compared"
    )


@pytest.fixture(scope="session")
def janitor() -> Iterator[Janitor]:
    with Janitor() as janitor:
        yield janitor


@pytest.fixture(scope="session")
def seeded_databases(janitor: Janitor) -> Iterator[Databases]:
    with (
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


@pytest.fixture(scope="session")
def undisturbed_server(janitor: Janitor) -> Iterator[Server]:
    """A server that waits for no disk: how fast that is says nothing of the code."""
    with counting_server(None, janitor) as server:
        yield server


@pytest.fixture(scope="session")
def proxy(undisturbed_server: Server, janitor: Janitor) -> Iterator[WireProxy]:
    with WireProxy(undisturbed_server.address, janitor) as proxy:
        yield proxy


@pytest.fixture(scope="session")
def _small_databases(undisturbed_server: Server) -> Iterator[Databases]:
    with Databases(undisturbed_server, secrets.token_hex(4)) as databases:
        databases.create_template(lambda address: prepare_template(address, SMALL))
        yield databases


@pytest.fixture
def small_database(_small_databases: Databases) -> Iterator[DatabaseAddress]:
    """A thousand accounts and two hundred orders, which nobody else uses."""
    address = _small_databases.create("small")
    yield address
    _small_databases.drop(address)


@pytest.fixture(autouse=True)
def _reference(request: pytest.FixtureRequest) -> Iterator[None]:
    """Measure beside each figure what it is held against: who slows one slows the other."""
    compares = request.node.get_closest_marker("in_baseline") is not None
    benchmark: Any = request.getfixturevalue("benchmark") if compares else None
    if benchmark is None or benchmark.disabled:
        yield
        return
    before_ns = fastest_loop_ns()
    yield
    benchmark.extra_info["reference_s"] = min(before_ns, fastest_loop_ns()) / 1e9
