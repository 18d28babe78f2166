"""The hot statements go along an index and do not sort, and their updates stay heap-only."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest
from psycopg import RawCursor

from outboxbench.core.strategies import statements, whole_change
from outboxbench.core.strategies.group import statements as group_statements
from outboxbench.core.strategies.rows import schema_sql
from outboxbench.harness.postgres.server import connect

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import ModuleType

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
    INSERT INTO outbox
    SELECT nth_uuid(n), 0, 'account', nth_uuid(n), 1, 'account.opened', 2, '{{}}'
    FROM generate_series(1, {ROWS}) AS n;
    ANALYZE;
"""


def _statements_of(module: ModuleType) -> dict[str, str]:
    """Return the statements that a module names; what begins with an underscore is a part."""
    return {
        name: value
        for name, value in vars(module).items()
        if name.isupper() and isinstance(value, str) and not name.startswith("_")
    }


INDEX_OF_STATEMENT = {
    "SELECT_ACCOUNT": "accounts_pkey",
    "UPDATE_ACCOUNT": "accounts_pkey",
    "SELECT_ORDER": "orders_pkey",
    "UPDATE_ORDER": "orders_pkey",
    "SELECT_ORDER_LINES": "order_lines_pkey",
    "UPDATE_ORDER_LINE": "order_lines_pkey",
    "DELETE_ORDER_LINE": "order_lines_pkey",
}

INSERTS = {
    "INSERT_ACCOUNT",
    "INSERT_ORDER",
    "INSERT_ORDER_LINE",
    "INSERT_INBOX_ENTRY",
    "INSERT_MESSAGE",
}
ALL_STATEMENTS = _statements_of(statements)

# Those of the plans that send a whole change in one statement, and the indexes that they may use.
INDEXES_OF_WHOLE_STATEMENT = {
    "SELECT_WHOLE_ORDER": {"orders_pkey", "order_lines_pkey"},
    "UPDATE_ACCOUNT": {"accounts_pkey"},
    "UPDATE_ORDER": {"orders_pkey", "order_lines_pkey"},
    "INSERT_ACCOUNT": set[str](),
    "INSERT_ORDER": set[str](),
}
INDEXES_OF_GROUP_STATEMENT = {
    "READ_ACCOUNTS": {"accounts_pkey", "outbox_operation"},
    "READ_ORDERS": {"orders_pkey", "order_lines_pkey", "outbox_operation"},
    "WRITE_ACCOUNTS": {"accounts_pkey"},
    "WRITE_HANDLED_ACCOUNTS": {"accounts_pkey"},
    "WRITE_ORDERS": {"orders_pkey", "order_lines_pkey"},
    "WRITE_HANDLED_ORDERS": {"orders_pkey", "order_lines_pkey"},
}
WHOLE_STATEMENTS = {"SELECT_WHOLE_ORDER": whole_change.SELECT_WHOLE_ORDER} | {
    name: whole_change.with_messages(root, count=2, handles_message=False)
    for name, root in vars(whole_change).items()
    if isinstance(root, whole_change.RootStatement)
}
GROUP_STATEMENTS = _statements_of(group_statements)


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
    assert WHOLE_STATEMENTS.keys() == INDEXES_OF_WHOLE_STATEMENT.keys()
    assert GROUP_STATEMENTS.keys() == INDEXES_OF_GROUP_STATEMENT.keys()


def test_every_hot_statement_goes_along_its_primary_key_and_does_not_sort(
    cursor: RawCursor[Any],
) -> None:
    for name, index in INDEX_OF_STATEMENT.items():
        nodes = _plan(cursor, ALL_STATEMENTS[name])
        scans = [node for node in nodes if node["Node Type"] != "ModifyTable"]
        assert [(node["Node Type"], node.get("Index Name")) for node in scans] == [
            ("Index Scan", index)
        ], name


def test_inserts_look_nothing_up_themselves(cursor: RawCursor[Any]) -> None:
    for name in INSERTS:
        assert [node["Node Type"] for node in _plan(cursor, ALL_STATEMENTS[name])] == [
            "ModifyTable",
            "Result",
        ]


@pytest.mark.parametrize(
    ("statement", "indexes"),
    [
        pytest.param(of[name], indexes, id=name)
        for of, expected in (
            (WHOLE_STATEMENTS, INDEXES_OF_WHOLE_STATEMENT),
            (GROUP_STATEMENTS, INDEXES_OF_GROUP_STATEMENT),
        )
        for name, indexes in expected.items()
    ],
)
def test_a_statement_for_a_whole_change_reaches_every_table_along_an_index(
    cursor: RawCursor[Any], statement: str, indexes: set[str]
) -> None:
    nodes = _plan(cursor, statement)
    used = {node["Index Name"] for node in nodes if "Index Name" in node}
    assert used == indexes
    assert not [node for node in nodes if node["Node Type"] == "Seq Scan"]


def test_a_group_of_updates_touches_no_index(cursor: RawCursor[Any]) -> None:
    cursor.execute("SELECT id FROM accounts")
    ids = [row[0] for row in cursor.fetchall()[::5]]
    positions = list(range(1, len(ids) + 1))
    texts, zeros = ["x"] * len(ids), [0] * len(ids)
    for version in (1, 2, 3):
        cursor.execute(
            group_statements.WRITE_ACCOUNTS,
            (
                ids,
                [version] * len(ids),
                [uuid4() for _ in ids],
                positions,
                zeros,
                texts,
                zeros,
                f"[{','.join(['{}'] * len(ids))}]",
                positions,
            ),
        )
        assert cursor.rowcount == len(ids)
    assert _updates(cursor, "accounts") == (len(ids) * 3, len(ids) * 3)


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


def _plan(cursor: RawCursor[Any], statement: str) -> list[dict[str, Any]]:
    """Return the nodes of a statement's generic plan, outermost first."""
    cursor.execute(f"PREPARE hot AS {statement}")
    cursor.execute(
        "SELECT cardinality(parameter_types) FROM pg_prepared_statements WHERE name = 'hot'"
    )
    (parameters,) = cursor.fetchone() or (0,)
    nulls = ", ".join(["NULL"] * parameters)
    cursor.execute(f"EXPLAIN (FORMAT JSON) EXECUTE hot ({nulls})")
    (answer,) = cursor.fetchone() or ([],)
    cursor.execute("DEALLOCATE hot")
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
