"""How PostgreSQL runs what relays ask of it: along the indexes, at a cost that does not grow."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest
from psycopg import RawCursor

from outboxbench.core.strategies.relay_plans import statements as sql
from outboxbench.core.strategies.relay_plans.lease_statements import CLAIM_LEASES, HELD_BY_LEASE
from outboxbench.core.strategies.relay_plans.schema import relay_schema_sql
from outboxbench.core.strategies.relay_plans.shard_statements import CLAIM_SHARDS, HELD_BY_SHARD
from outboxbench.core.strategies.rows import schema_sql
from outboxbench.harness.postgres.server import connect

if TYPE_CHECKING:
    from collections.abc import Iterator

    from outboxbench.core.strategies.settings import DatabaseAddress

# Half of the aggregates have been delivered, the others wait with ten messages each.
FILL = """
    INSERT INTO outbox (op_id, ordinal, aggregate_type, aggregate_id, version, topic, audience,
                        state, delivered_at)
    SELECT md5('op' || n)::uuid, 0, 'order', md5('order' || n / 10)::uuid, 1 + n % 10,
           'order.line_changed', 2, '{}', CASE WHEN n < 20000 THEN now() END
    FROM generate_series(0, 39999) AS n
"""
HOLD_UP_ONE = """
    INSERT INTO outbox (op_id, ordinal, aggregate_type, aggregate_id, version, topic, audience,
                        state)
    SELECT gen_random_uuid(), 0, 'order', '00000000-0000-0000-0000-000000000001', n,
           'order.line_changed', 2, '{}'
    FROM generate_series(CAST($1 AS integer), CAST($2 AS integer)) AS n
"""
NIL = UUID(int=0)
OF_SHARDS = "outbox_undelivered_by_shard"
SETTLED = (["order"], [NIL], [1], [1], [0])
CLAIMS = {
    "lease": (CLAIM_LEASES, ("", NIL, 32, 500, 10.0)),
    "sharded": (CLAIM_SHARDS, (list(range(16)), [""] * 16, [NIL] * 16, [NIL], 32, 500)),
}
INDEXES = {
    "lease": {"outbox_undelivered", "outbox_history"},
    "sharded": {OF_SHARDS},
}


@pytest.fixture
def cursor(database: DatabaseAddress) -> Iterator[RawCursor[Any]]:
    with connect(database) as connection, RawCursor(connection) as cursor:
        cursor.execute(schema_sql())
        for plan in ("lease", "sharded"):
            cursor.execute(relay_schema_sql(plan, announces=False))
        cursor.execute(FILL)
        cursor.execute("VACUUM ANALYZE")
        # What a driver's prepared statement ends up with, whatever its parameters.
        cursor.execute("SET plan_cache_mode = force_generic_plan")
        yield cursor


@pytest.mark.parametrize("plan", CLAIMS)
def test_a_claim_reaches_messages_along_the_index_of_the_undelivered_alone(
    cursor: RawCursor[Any], plan: str
) -> None:
    other = OF_SHARDS if plan == "lease" else "outbox_undelivered"
    cursor.execute(f"DROP INDEX {other}")
    nodes = _plan(cursor, *CLAIMS[plan])
    of_outbox = [node for node in nodes if node.get("Relation Name") == "outbox"]
    used = {node.get("Index Name") for node in of_outbox}
    assert used - {None} <= INDEXES[plan]
    assert {node["Node Type"] for node in of_outbox} <= {
        "Index Scan",
        "Index Only Scan",
    }


@pytest.mark.parametrize(
    ("held", "delivered", "refused"),
    [
        (HELD_BY_LEASE, sql.MARK, ""),
        (HELD_BY_LEASE, sql.REMOVE, ""),
        (HELD_BY_LEASE, sql.MARK, sql.REFUSE),
        (HELD_BY_SHARD, sql.MARK, ""),
        (HELD_BY_SHARD, sql.MARK, sql.REFUSE),
    ],
)
def test_a_settlement_looks_at_the_undelivered_messages_of_its_aggregates_alone(
    cursor: RawCursor[Any], held: sql.Held, delivered: str, refused: str
) -> None:
    by_shard = held == HELD_BY_SHARD
    cursor.execute(f"DROP INDEX {'outbox_undelivered' if by_shard else OF_SHARDS}")
    refusals = (["order"], [NIL], [1], [0], [1], [1.0], ["no"]) if refused else ()
    statement = sql.settle_statement(held, delivered, refused)
    nodes = _plan(cursor, statement, (*SETTLED, *refusals))
    of_outbox = [
        node
        for node in nodes
        if node.get("Relation Name") == "outbox" and node["Node Type"] != "ModifyTable"
    ]
    assert of_outbox
    assert {node.get("Index Name") for node in of_outbox} == {
        OF_SHARDS if by_shard else "outbox_undelivered"
    }


@pytest.mark.parametrize("plan", CLAIMS)
def test_what_waits_behind_a_dead_message_costs_a_claim_nothing(
    cursor: RawCursor[Any], plan: str
) -> None:
    cursor.execute(
        "INSERT INTO relay_refusals VALUES ('order', $1, 1, 0, 8, NULL, 'dead')", [UUID(int=1)]
    )
    cursor.execute(HOLD_UP_ONE, [1, 10])
    few = _buffers(cursor, *CLAIMS[plan])
    cursor.execute(HOLD_UP_ONE, [11, 10_000])
    many = _buffers(cursor, *CLAIMS[plan])
    assert many < 1.5 * few + 50


def _plan(cursor: RawCursor[Any], statement: str, parameters: tuple[Any, ...]) -> list[Any]:
    cursor.execute(f"EXPLAIN (FORMAT JSON) {statement}", parameters)
    return _flat(_document(cursor)["Plan"])


def _buffers(cursor: RawCursor[Any], statement: str, parameters: tuple[Any, ...]) -> int:
    cursor.execute("BEGIN")
    cursor.execute(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {statement}", parameters)
    plan = _document(cursor)["Plan"]
    cursor.execute("ROLLBACK")
    read: int = plan["Shared Hit Blocks"] + plan["Shared Read Blocks"]
    return read


def _document(cursor: RawCursor[Any]) -> Any:
    ((found,),) = cursor.fetchall()
    return (json.loads(found) if isinstance(found, str) else found)[0]


def _flat(node: Any) -> list[Any]:
    return [node, *(each for child in node.get("Plans", ()) for each in _flat(child))]
