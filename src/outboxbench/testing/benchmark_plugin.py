"""The pytest plugin that comes with the package: the fixture `persistence_benchmark`.

It is loaded into every session of pytest, so it imports nothing but pytest until somebody asks
for the fixture.
"""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from outboxbench.testing.persistence_benchmark import PersistenceBenchmark


@pytest.fixture(scope="session")
def persistence_benchmark() -> Iterator[PersistenceBenchmark]:
    """Measure a transaction on a PostgreSQL server of its own: round trips, bytes, WAL, latency."""
    from outboxbench.harness.errors import HarnessError
    from outboxbench.testing.benchmark_server import open_benchmark_server
    from outboxbench.testing.persistence_benchmark import PersistenceBenchmark

    with ExitStack() as stack:
        try:
            server = stack.enter_context(open_benchmark_server())
        except HarnessError as error:
            pytest.fail(f"persistence_benchmark needs PostgreSQL: {error}", pytrace=False)
        yield PersistenceBenchmark(server)
