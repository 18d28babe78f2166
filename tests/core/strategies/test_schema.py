"""The schema, the statements and SQLAlchemy's tables say the same about every column."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import MetaData, create_engine

from outboxbench.core.strategies import rows
from outboxbench.core.strategies.rows import schema_sql
from outboxbench.core.strategies.sqlalchemy_core import tables
from outboxbench.core.strategies.sqlalchemy_orm.mapping import Row
from outboxbench.harness.postgres.server import connect

if TYPE_CHECKING:
    from collections.abc import Iterator

    import psycopg
    from sqlalchemy import Dialect, Engine, Table

    from outboxbench.core.strategies.settings import DatabaseAddress

MAPPED_TABLES = {"accounts", "orders", "order_lines", "outbox", "inbox"}


@pytest.fixture
def connection(database: DatabaseAddress) -> Iterator[psycopg.Connection[Any]]:
    with connect(database) as connection:
        connection.execute(schema_sql())
        yield connection


@pytest.fixture
def engine(connection: psycopg.Connection[Any]) -> Engine:
    return create_engine("postgresql+psycopg://", creator=lambda: connection)


@pytest.fixture
def reflected(engine: Engine) -> MetaData:
    """The tables as SQLAlchemy finds them in the database."""
    metadata = MetaData()
    with engine.connect() as found:
        metadata.reflect(found)
    return metadata


@pytest.mark.parametrize("declared", [tables.metadata, Row.metadata], ids=["core", "orm"])
def test_sqlalchemy_declares_the_tables_of_the_schema(
    declared: MetaData, reflected: MetaData, engine: Engine
) -> None:
    assert declared.tables.keys() == MAPPED_TABLES
    for name, table in declared.tables.items():
        declared_columns = _columns(table, engine.dialect)
        stored_columns = _columns(reflected.tables[name], engine.dialect)
        left_out = stored_columns.keys() - declared_columns.keys()
        assert {column: stored_columns[column] for column in declared_columns} == declared_columns
        assert all(
            stored.server_default or stored.nullable
            for stored in (reflected.tables[name].c[column] for column in left_out)
        )


def test_the_constraints_that_errors_are_told_apart_by_exist(
    connection: psycopg.Connection[Any],
) -> None:
    found = connection.execute(
        "SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = ANY(%s)",
        [[rows.OPERATION_CONSTRAINT, rows.HISTORY_CONSTRAINT, rows.INBOX_CONSTRAINT]],
    ).fetchall()
    assert dict(found) == {
        rows.OPERATION_CONSTRAINT: "PRIMARY KEY (op_id, ordinal)",
        rows.HISTORY_CONSTRAINT: "UNIQUE (aggregate_type, aggregate_id, version, ordinal)",
        rows.INBOX_CONSTRAINT: "PRIMARY KEY (handler, op_id, ordinal)",
    }


def _columns(table: Table, dialect: Dialect) -> dict[str, tuple[str, bool, bool]]:
    """Return of each column the type, whether it can be null, and whether it is in the key."""
    return {
        column.name: (column.type.compile(dialect), bool(column.nullable), column.primary_key)
        for column in table.columns
    }
