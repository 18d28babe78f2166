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

_FILL: Final = """
    INSERT INTO outbox
        (op_id, ordinal, aggregate_type, aggregate_id, version, topic, audience, state)
    SELECT md5('operation ' || n)::uuid, 0, 'order', md5('order ' || {aggregate})::uuid,
           1 + {turn}, 'order.line_changed', 2,
           jsonb_build_object('line_no', 1, 'sku', 'sku-' || n % 1000, 'quantity', 1 + n % 10,
                              'unit_price_cents', 100 + n % 9900)
    FROM (VALUES (CAST(%(messages)s AS integer), CAST(%(aggregates)s AS integer)))
        AS size (messages, aggregates), generate_series(0, messages - 1) AS n
"""


def fill(connection: psycopg.Connection[tuple[object, ...]], backlog: Backlog) -> None:
    """Store a backlog, and leave its table vacuumed, with statistics.

    Its aggregates have no rows of their own: nobody who delivers looks at those.
    """
    aggregate, turn = _PLACES[backlog.shape]
    statement = _FILL.format(aggregate=aggregate, turn=turn).replace(" % ", " %% ")
    connection.execute(
        statement.encode(), {"messages": backlog.messages, "aggregates": backlog.aggregates}
    )
    connection.execute("VACUUM (ANALYZE, FREEZE) outbox")
