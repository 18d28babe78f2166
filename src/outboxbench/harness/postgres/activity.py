"""What a server does of its own accord: checkpoints, and the work of autovacuum.

The counts are the server's statistics. Connections must be in autocommit mode, since within a
transaction a statistic does not change once it was read. The checkpointer reports right after it
has told whoever waits that a checkpoint is done: about a millisecond passes until the count shows
a CHECKPOINT that has returned. One that the server spreads over time shows once it is under way.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Any

    import psycopg

CHECKPOINTS_SQL = "SELECT num_timed + num_requested FROM pg_stat_checkpointer"
CHECKPOINTS_BEFORE_17_SQL = "SELECT checkpoints_timed + checkpoints_req FROM pg_stat_bgwriter"

# Tables that all databases share keep their counts from one block's database to the next.
AUTOVACUUMS_SQL = """
    SELECT coalesce(sum(autovacuum_count + autoanalyze_count), 0)::bigint
    FROM pg_stat_all_tables JOIN pg_class ON pg_class.oid = relid
    WHERE NOT relisshared
"""


def checkpoints_begun(connection: psycopg.Connection[Any]) -> int:
    """Return how many checkpoints the server has begun since its statistics were last reset.

    Raises:
        psycopg.OperationalError: the server does not answer.
    """
    is_new = connection.info.server_version >= 170_000
    return _number(connection, CHECKPOINTS_SQL if is_new else CHECKPOINTS_BEFORE_17_SQL)


def autovacuums_in(connection: psycopg.Connection[Any]) -> int:
    """Return how often autovacuum has finished with a table of the database connected to.

    Vacuums and analyses both count; the tables that all databases share do not.

    Raises:
        psycopg.OperationalError: the server does not answer.
    """
    return _number(connection, AUTOVACUUMS_SQL)


def _number(connection: psycopg.Connection[Any], query: str) -> int:
    ((number,),) = connection.execute(query).fetchall()
    return int(number)
