"""Fills the database that every block's is a copy of."""

from __future__ import annotations

from typing import TYPE_CHECKING

from outboxbench.core.strategies.rows import schema_sql
from outboxbench.harness.load.dataset import (
    SEED_ACCOUNTS,
    SEED_ORDERS,
    Dataset,
    seed_parameters,
)
from outboxbench.harness.postgres.server import connect

if TYPE_CHECKING:
    from outboxbench.core.strategies.settings import DatabaseAddress
    from outboxbench.harness.suite.model import DatasetSize


def prepare_template(address: DatabaseAddress, size: DatasetSize) -> None:
    """Create the tables, fill them, and leave them vacuumed, with statistics."""
    parameters = seed_parameters(Dataset(size.accounts, size.orders))
    with connect(address) as connection:
        connection.execute(schema_sql())
        connection.execute(SEED_ACCOUNTS, parameters)
        connection.execute(SEED_ORDERS, parameters)
        # Otherwise the first arm of a table's blocks would set the hint bits for all of them.
        connection.execute("VACUUM (ANALYZE, FREEZE)")
