"""The two ways in which `emitted.py` leaves messages, and the databases that it measures on."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Literal, TypeAlias

from outboxbench.harness.relay_database import prepare_database

if TYPE_CHECKING:
    from collections.abc import Iterator

    from outboxbench.core.strategies.settings import DatabaseAddress
    from outboxbench.harness.postgres.databases import Databases

Kind: TypeAlias = Literal["stored", "emitted"]


@contextmanager
def fresh_database(databases: Databases, name: str) -> Iterator[tuple[DatabaseAddress, int]]:
    """Yield a database with its slot, whose log begins here, and the server's major version."""
    address = databases.create(name)
    try:
        yield address, prepare_database(address, "log", announces=False)
    finally:
        databases.drop(address)
