"""The contract runs on the server that all tests share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from outboxbench.core.strategies.settings import DatabaseAddress
    from outboxbench.harness.postgres.server import Server


@pytest.fixture(scope="session")
def contract_server(postgres_server: Server) -> DatabaseAddress:
    return postgres_server.address
