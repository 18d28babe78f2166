"""A NATS server for each test."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from outboxbench.harness.nats.server import NatsServer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from outboxbench.harness.janitor import Janitor


@pytest.fixture
def server(janitor: Janitor) -> Iterator[NatsServer]:
    with NatsServer(janitor) as server:
        yield server
