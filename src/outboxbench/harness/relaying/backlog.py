"""Fills an outbox with messages that wait, as they would lie there after an outage of the relay."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

if TYPE_CHECKING:
    import psycopg

Shape: TypeAlias = Literal["interleaved", "clustered", "hot"]


@dataclass(frozen=True, slots=True)
class Backlog:
    """So many messages of so many aggregates, in the order of their commits.

    `interleaved`: aggregates take turns. `clustered`: each has all of its messages in a row. `hot`:
    every other message is of the same aggregate, the rest take turns.
    """

    messages: int
    aggregates: int
    shape: Shape = "interleaved"


# The last cluster takes what is left over.
_CLUSTER_SIZE: Final = "greatest(1, messages / aggregates)"
_CLUSTER: Final = f"least(n / {_CLUSTER_SIZE}, aggregates - 1)"

# Which aggregate message `n` is of, and the how many-th of it that is, counted from 0.
_PLACES: Final[dict[Shape, tuple[str, str]]] = {
    "interleaved": ("n % aggregates", "n / aggregates"),
    "clustered": (_CLUSTER, f"n - {_CLUSTER} * {_CLUSTER_SIZE}"),
    "hot": (
        "CASE WHEN n % 2 = 0 THEN 0 ELSE 1 + (n / 2) % (aggregates - 1) END",
        "CASE WHEN n % 2 = 0 THEN n / 2 ELSE (n / 2) / (aggregates - 1) END",
    ),
}

_COLUMNS: Final = "op_id, ordinal, aggregate_type, aggregate_id, version, topic, audience, state"
_MESSAGE: Final = """
    md5('operation ' || n)::uuid, 0, 'order', md5('order ' || {aggregate})::uuid,
    1 + {turn}, 'order.line_changed', 2,
    jsonb_build_object('line_no', 1, 'sku', 'sku-' || n % 1000, 'quantity', 1 + n % 10,
                       'unit_price_cents', 100 + n % 9900)"""

_AT_ONCE: Final = f"""
    INSERT INTO outbox ({_COLUMNS})
    SELECT {_MESSAGE}
    FROM (VALUES (CAST(%(messages)s AS integer), CAST(%(aggregates)s AS integer)))
        AS size (messages, aggregates), generate_series(0, messages - 1) AS n"""

_ONE_BY_ONE: Final = f"""
    CREATE PROCEDURE pg_temp.fill_outbox(messages integer, aggregates integer)
    LANGUAGE plpgsql AS $$
    BEGIN
        FOR n IN 0 .. messages - 1 LOOP
            INSERT INTO outbox ({_COLUMNS}) VALUES ({_MESSAGE});
            COMMIT;
        END LOOP;
    END $$"""


def fill(
    connection: psycopg.Connection[tuple[object, ...]],
    backlog: Backlog,
    *,
    one_by_one: bool = False,
) -> None:
    """Store a backlog, and leave its table vacuumed, with statistics.

    Its aggregates have no rows of their own: nobody who delivers looks at those. The messages are
    committed `one_by_one` for a reader of the log, to whom each commit is told by itself; in the
    table, once it is vacuumed, nothing shows how they were.
    """
    aggregate, turn = _PLACES[backlog.shape]
    size = {"messages": backlog.messages, "aggregates": backlog.aggregates}
    if one_by_one:
        connection.execute("SET synchronous_commit = off")
        connection.execute(_ONE_BY_ONE.format(aggregate=aggregate, turn=turn).encode())
        connection.execute("CALL pg_temp.fill_outbox(%(messages)s, %(aggregates)s)", size)
        connection.execute("RESET synchronous_commit")
    else:
        statement = _AT_ONCE.format(aggregate=aggregate, turn=turn).replace(" % ", " %% ")
        connection.execute(statement.encode(), size)
    connection.execute("VACUUM (ANALYZE, FREEZE) outbox")
