"""A small database, filled as every block's is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from outboxbench.harness.suite.model import DatasetSize
from outboxbench.harness.suite.template import prepare_template

if TYPE_CHECKING:
    from outboxbench.core.strategies.settings import DatabaseAddress


@pytest.fixture
def seeded(database: DatabaseAddress) -> DatabaseAddress:
    """Twelve accounts and five orders."""
    prepare_template(database, DatasetSize(accounts=12, orders=5))
    return database
