"""The hot statements go along an index and do not sort, and their updates stay heap-only."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from psycopg import RawCursor

from outboxbench.core.strategies import statements
from outboxbench.core.strategies.rows import schema_sql
from outboxbench.harness.postgres.server import connect

if TYPE_CHECKING:
    from collections.abc import Iterator

    from outboxbench.core.strategies.settings import DatabaseAddress

ROWS = 5_000
LINES_OF_AN_ORDER = 3

FILL_SQL = f"""
    CREATE FUNCTION nth_uuid(n integer) RETURNS uuid LANGUAGE sql IMMUTABLE
    RETURN md5(n::text)::uuid;
    INSERT INTO accounts SELECT nth_uuid(n), 1, n FROM generate_series(1, {ROWS}) AS n;
    INSERT INTO orders
    SELECT nth_uuid(n), 1, nth_uuid(n), 'placed', '{{gift}}' FROM generate_series(1, {ROWS}) AS n;
    INSERT INTO order_lines
    SELECT nth_uuid(n), line_no, 'tea', 1, 450
    FROM generate_series(1, {ROWS}) AS n, generate_series(1, {LINES_OF_AN_ORDER}) AS line_no
    ORDER BY n, line_no; -- as orders are placed: the lines of each side by side
    ANALYZE;
"""

INDEX_OF_STATEMENT = {
    "SELECT_ACCOUNT": "accounts_pkey",
    "UPDATE_ACCOUNT": "accounts_pkey",
    "SELECT_ORDER": "orders_pkey",
    "UPDATE_ORDER": "orders_pkey",
    "SELECT_ORDER_LINES": "order_lines_pkey",
    "UPDATE_ORDER_LINE": "order_lines_pkey",
    "DELETE_ORDER_LINE": "order_lines_pkey",
}
INSERTS = {"INSERT_ACCOUNT", "INSERT_ORDER", "INSERT_ORDER_LINE", "INSERT_MESSAGE"}
ALL_STATEMENTS = {name: sql for name, sql in vars(statements).items() if name.isupper()}


@pytest.fixture
def cursor(database: DatabaseAddress) -> Iterator[RawCursor[Any]]:
    """A session on a database with some thousands of rows."""
    with connect(database) as connection, RawCursor(connection) as cursor:
        cursor.execute(schema_sql())
        cursor.execute(FILL_SQL)
        # The plan that a driver's prepared statement ends up with, whatever its parameters.
        cursor.execute("SET plan_cache_mode = force_generic_plan")
        yield cursor


def test_no_statement_is_left_out() -> None:
    assert ALL_STATEMENTS.keys() == INDEX_OF_STATEMENT.keys() | INSERTS


def test_every_hot_statement_goes_along_its_primary_key_and_does_not_sort(
    cursor: RawCursor[Any],
) -> None:
    for name, index in INDEX_OF_STATEMENT.items():
        nodes = _plan(cursor, name)
        scans = [node for node in nodes if node["Node Type"] != "ModifyTable"]
        assert [(node["Node Type"], node.get("Index Name")) for node in scans] == [
            ("Index Scan", index)
        ], name


def test_inserts_look_nothing_up_themselves(cursor: RawCursor[Any]) -> None:
    for name in INSERTS:
        assert [node["Node Type"] for node in _plan(cursor, name)] == ["ModifyTable", "Result"]


@pytest.mark.parametrize(
    ("table", "statement", "written"),
    [
        pytest.param("accounts", statements.UPDATE_ACCOUNT, (7,), id="accounts"),
        pytest.param(
            "orders", statements.UPDATE_ORDER, ("confirmed", ["gift", "late"]), id="orders"
        ),
    ],
)
def test_updates_touch_no_index(
    cursor: RawCursor[Any], table: str, statement: str, written: tuple[object, ...]
) -> None:
    cursor.execute(f"SELECT id FROM {table}")
    ids = [row[0] for row in cursor.fetchall()[::5]]
    for version in (1, 2, 3):
        for row_id in ids:
            cursor.execute(statement, (row_id, version, version + 1, *written))
            assert cursor.rowcount == 1
    assert _updates(cursor, table) == (len(ids) * 3, len(ids) * 3)


def test_updates_of_lines_touch_no_index(cursor: RawCursor[Any]) -> None:
    cursor.execute("SELECT id FROM orders")
    ids = [row[0] for row in cursor.fetchall()[::5]]
    for quantity in (2, 3, 4):
        for row_id in ids:
            cursor.execute(statements.UPDATE_ORDER_LINE, (row_id, 2, "tea", quantity, 450))
            assert cursor.rowcount == 1
    assert _updates(cursor, "order_lines") == (len(ids) * 3, len(ids) * 3)


def _plan(cursor: RawCursor[Any], name: str) -> list[dict[str, Any]]:
    """Return the nodes of a statement's generic plan, outermost first."""
    cursor.execute(f"PREPARE {name} AS {ALL_STATEMENTS[name]}")
    cursor.execute(
        "SELECT cardinality(parameter_types) FROM pg_prepared_statements WHERE name = $1",
        (name.lower(),),
    )
    (parameters,) = cursor.fetchone() or (0,)
    nulls = ", ".join(["NULL"] * parameters)
    cursor.execute(f"EXPLAIN (FORMAT JSON) EXECUTE {name} ({nulls})")
    (answer,) = cursor.fetchone() or ([],)
    plan = answer if isinstance(answer, list) else json.loads(answer)
    return _nodes(plan[0]["Plan"])


def _nodes(node: dict[str, Any]) -> list[dict[str, Any]]:
    return [node, *(below for child in node.get("Plans", []) for below in _nodes(child))]


def _updates(cursor: RawCursor[Any], table: str) -> tuple[int, int]:
    """Return how many updates a table has seen, and how many of them were heap-only."""
    cursor.execute("SELECT pg_stat_force_next_flush()")
    cursor.execute(
        "SELECT n_tup_upd, n_tup_hot_upd FROM pg_stat_user_tables WHERE relname = $1", (table,)
    )
    (updates, heap_only) = cursor.fetchone() or (0, 0)
    return updates, heap_only
