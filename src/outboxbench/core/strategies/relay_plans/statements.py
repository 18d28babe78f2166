"""The SQL that the relay plans share: settlements, and what a person asks of an outbox.

An aggregate's messages become visible in the order of its versions, since its row lock makes
version order commit order. So the oldest undelivered message that a snapshot shows is
the oldest there is, and "delivered up to this one" says all of an aggregate in one row.
"""

from __future__ import annotations

from typing import Final, NamedTuple

UNDELIVERED: Final = "outbox.delivered_at IS NULL AND outbox.audience > 0"

MESSAGE_COLUMNS: Final = (
    "op_id, ordinal, aggregate_type, aggregate_id, version, topic, audience, state::text"
)

# A scalar subquery, evaluated for the rows that are looked at and no others: as NOT EXISTS it might
# be planned as a join that looks at all of them first.
IS_NOT_REFUSED: Final = """
    (SELECT coalesce(next_attempt_at, 'infinity') > now() FROM relay_refusals AS refusal
     WHERE refusal.aggregate_type = outbox.aggregate_type
       AND refusal.aggregate_id = outbox.aggregate_id) IS NOT TRUE"""

OF_HELD: Final = f"""outbox.aggregate_type = held.aggregate_type
          AND outbox.aggregate_id = held.aggregate_id AND {UNDELIVERED}"""


class Held(NamedTuple):
    """How a settlement tells whose lease still holds, and which messages are of its runs.

    `clause` makes the table `held` of those of `settled` whose lease holds; `rows` is a condition
    on `outbox` and `held`.
    """

    clause: str
    rows: str = OF_HELD


_SETTLED: Final = """
    WITH settled AS MATERIALIZED (
        SELECT * FROM unnest(CAST($1 AS text[]), CAST($2 AS uuid[]), CAST($3 AS bigint[]),
                             CAST($4 AS integer[]), CAST($5 AS smallint[]))
            AS settled (aggregate_type, aggregate_id, token, version, ordinal)
    )"""

MARK: Final = """, delivered AS (
        UPDATE outbox SET delivered_at = now() FROM held
        WHERE {of_held} AND (outbox.version, outbox.ordinal) <= (held.version, held.ordinal)
    )"""

REMOVE: Final = """, delivered AS (
        DELETE FROM outbox USING held
        WHERE {of_held} AND (outbox.version, outbox.ordinal) <= (held.version, held.ordinal)
    )"""

# What is delivered is no longer refused; what was refused now is written anew.
REFUSE: Final = """, forgotten AS (
        DELETE FROM relay_refusals AS refusal USING held
        WHERE refusal.aggregate_type = held.aggregate_type
          AND refusal.aggregate_id = held.aggregate_id
          AND (refusal.version, refusal.ordinal) <= (held.version, held.ordinal)
    ), refused AS (
        INSERT INTO relay_refusals AS refusal
            (aggregate_type, aggregate_id, version, ordinal, refusals, next_attempt_at, reason)
        SELECT aggregate_type, aggregate_id, refused.version, refused.ordinal, refusals,
               now() + make_interval(secs => retry_in_s), reason
        FROM held JOIN unnest(CAST($6 AS text[]), CAST($7 AS uuid[]), CAST($8 AS integer[]),
                              CAST($9 AS smallint[]), CAST($10 AS integer[]),
                              CAST($11 AS double precision[]), CAST($12 AS text[]))
            AS refused (aggregate_type, aggregate_id, version, ordinal, refusals, retry_in_s,
                        reason) USING (aggregate_type, aggregate_id)
        ON CONFLICT (aggregate_type, aggregate_id) DO UPDATE
        SET version = excluded.version, ordinal = excluded.ordinal,
            refusals = excluded.refusals, next_attempt_at = excluded.next_attempt_at,
            reason = excluded.reason
    )"""

# Of an aggregate whose lease was just given back more may have been committed meanwhile.
_ANSWER: Final = """
    SELECT aggregate_type, aggregate_id, EXISTS (
        SELECT FROM outbox
        WHERE {of_held} AND (outbox.version, outbox.ordinal) > (held.version, held.ordinal)
    ) FROM held"""


def settle_statement(held: Held, delivered: str, refused: str = "") -> str:
    """Return a statement that settles runs.

    Args:
        held: how it is told whose lease still holds.
        delivered: what becomes of messages that were delivered.
        refused: REFUSE, where runs are among them that met a refusal, now or before.
    """
    marked, answer = delivered.format(of_held=held.rows), _ANSWER.format(of_held=held.rows)
    return f"{_SETTLED}{held.clause}{marked}{refused}{answer}"


WAS_HANDLED: Final = """
    SELECT 1 FROM inbox
    WHERE handler = CAST($1 AS text) AND op_id = CAST($2 AS uuid)
      AND ordinal = CAST($3 AS smallint)"""

STATUS: Final = f"""
    SELECT count(*), coalesce(extract(epoch FROM now() - min(created_at)), 0)::double precision,
           count(DISTINCT (aggregate_type, aggregate_id)),
           count(*) FILTER (WHERE refusal.version IS NOT NULL)
    FROM outbox LEFT JOIN relay_refusals AS refusal USING (aggregate_type, aggregate_id)
    WHERE {UNDELIVERED}"""

REFUSED: Final = """
    SELECT refusal.aggregate_type, refusal.aggregate_id, refusal.version, refusal.ordinal,
           outbox.topic, refusals, next_attempt_at, reason
    FROM relay_refusals AS refusal
    JOIN outbox USING (aggregate_type, aggregate_id, version, ordinal)
    ORDER BY next_attempt_at NULLS FIRST, refusal.aggregate_type, refusal.aggregate_id
    LIMIT 1000"""

REDRIVE: Final = """
    DELETE FROM relay_refusals
    WHERE CAST($1 AS uuid) IS NULL OR aggregate_id = CAST($1 AS uuid)
    RETURNING aggregate_id"""


def tidy_statement(table: str, settled_at: str) -> str:
    """Return a statement that removes rows settled `$1` seconds ago, at most `$2` of them.

    In small bites, from the front of the table, where the oldest rows are: each is a short
    transaction that nobody waits for.
    """
    return f"""
    DELETE FROM {table} WHERE ctid = ANY (ARRAY(
        SELECT ctid FROM {table}
        WHERE {settled_at} < now() - make_interval(secs => CAST($1 AS double precision))
        LIMIT CAST($2 AS integer) FOR UPDATE SKIP LOCKED
    )) RETURNING 1"""


# What is for nobody was settled when it was committed.
TIDY_OUTBOX: Final = tidy_statement(
    "outbox", "coalesce(delivered_at, CASE audience WHEN 0 THEN created_at END)"
)
TIDY_INBOX: Final = tidy_statement("inbox", "processed_at")
TIDY_OPERATIONS: Final = tidy_statement("operations", "committed_at")
