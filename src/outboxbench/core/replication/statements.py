"""The SQL of what is parked: refused messages, and all that follows them in their aggregates."""

from __future__ import annotations

from typing import Final

from outboxbench.core.strategies.relay_plans.statements import (
    MESSAGE_COLUMNS,
    UNDELIVERED,
    tidy_statement,
)

_COLUMNS: Final = "op_id, ordinal, aggregate_type, aggregate_id, version, topic, audience, state"

TAKE_OVER: Final = """
    UPDATE relay_log_reader SET token = nextval('relay_tokens') RETURNING token"""

IS_READER: Final = "SELECT 1 FROM relay_log_reader WHERE token = CAST($1 AS bigint)"

PARKED_AGGREGATES: Final = "SELECT DISTINCT aggregate_type, aggregate_id FROM relay_parked"

# Whoever takes over waits for the lock on the token, and reads what is parked after that. A log
# that is read again after a crash brings what is parked already: that is left as it is.
SETTLE: Final = f"""
    WITH reader AS MATERIALIZED (
        SELECT token FROM relay_log_reader WHERE token = CAST($1 AS bigint) FOR SHARE
    ), settled AS MATERIALIZED (
        SELECT settled.* FROM reader CROSS JOIN
            unnest(CAST($2 AS text[]), CAST($3 AS uuid[]), CAST($4 AS integer[]),
                   CAST($5 AS smallint[]))
            AS settled (aggregate_type, aggregate_id, version, ordinal)
    ), delivered AS (
        DELETE FROM relay_parked AS parked USING settled
        WHERE parked.aggregate_type = settled.aggregate_type
          AND parked.aggregate_id = settled.aggregate_id
          AND (parked.version, parked.ordinal) <= (settled.version, settled.ordinal)
    ), forgotten AS (
        DELETE FROM relay_refusals AS refusal USING settled
        WHERE refusal.aggregate_type = settled.aggregate_type
          AND refusal.aggregate_id = settled.aggregate_id
          AND (refusal.version, refusal.ordinal) <= (settled.version, settled.ordinal)
    ), parked AS (
        INSERT INTO relay_parked ({_COLUMNS})
        SELECT op_id, ordinal, aggregate_type, aggregate_id, version, topic, audience,
               CAST(state AS jsonb)
        FROM reader CROSS JOIN
            unnest(CAST($6 AS uuid[]), CAST($7 AS smallint[]), CAST($8 AS text[]),
                   CAST($9 AS uuid[]), CAST($10 AS integer[]), CAST($11 AS text[]),
                   CAST($12 AS smallint[]), CAST($13 AS text[]))
            AS parked ({_COLUMNS})
        ON CONFLICT DO NOTHING
    ), refused AS (
        INSERT INTO relay_refusals AS refusal
            (aggregate_type, aggregate_id, version, ordinal, refusals, next_attempt_at, reason)
        SELECT aggregate_type, aggregate_id, version, ordinal, refusals,
               now() + make_interval(secs => retry_in_s), reason
        FROM reader CROSS JOIN
            unnest(CAST($14 AS text[]), CAST($15 AS uuid[]), CAST($16 AS integer[]),
                   CAST($17 AS smallint[]), CAST($18 AS integer[]),
                   CAST($19 AS double precision[]), CAST($20 AS text[]))
            AS refused (aggregate_type, aggregate_id, version, ordinal, refusals, retry_in_s,
                        reason)
        ON CONFLICT (aggregate_type, aggregate_id) DO UPDATE
        SET version = excluded.version, ordinal = excluded.ordinal,
            refusals = excluded.refusals, next_attempt_at = excluded.next_attempt_at,
            reason = excluded.reason
    )
    SELECT settled.aggregate_type, settled.aggregate_id, EXISTS (
        SELECT FROM relay_parked AS rest
        WHERE rest.aggregate_type = settled.aggregate_type
          AND rest.aggregate_id = settled.aggregate_id
          AND (rest.version, rest.ordinal) > (settled.version, settled.ordinal)
    ) FROM reader LEFT JOIN settled ON true"""

# Of aggregates of which nothing is on its way: those whose first message is due, or was never
# refused, with what follows it.
CLAIM_DUE: Final = f"""
    WITH due AS MATERIALIZED (
        SELECT aggregate_type, aggregate_id, coalesce(refusals, 0) AS refusals
        FROM unnest(CAST($1 AS text[]), CAST($2 AS uuid[]))
            AS free (aggregate_type, aggregate_id)
        LEFT JOIN relay_refusals AS refusal USING (aggregate_type, aggregate_id)
        WHERE refusal.version IS NULL OR refusal.next_attempt_at <= now()
        LIMIT CAST($3 AS integer)
    )
    SELECT due.refusals, message.*
    FROM due CROSS JOIN LATERAL (
        SELECT {MESSAGE_COLUMNS} FROM relay_parked AS parked
        WHERE parked.aggregate_type = due.aggregate_type
          AND parked.aggregate_id = due.aggregate_id
        ORDER BY version, ordinal
        LIMIT greatest(1, CAST($3 AS integer) / (SELECT count(*) FROM due))
    ) AS message
    ORDER BY message.aggregate_type, message.aggregate_id, message.version, message.ordinal"""

STATUS: Final = """
    SELECT count(*), coalesce(extract(epoch FROM now() - min(parked_at)), 0)::double precision,
           count(DISTINCT (aggregate_type, aggregate_id)),
           count(*) FILTER (WHERE refusal.version IS NOT NULL)
    FROM relay_parked LEFT JOIN relay_refusals AS refusal USING (aggregate_type, aggregate_id)"""

REFUSED: Final = """
    SELECT refusal.aggregate_type, refusal.aggregate_id, refusal.version, refusal.ordinal,
           parked.topic, refusals, next_attempt_at, reason
    FROM relay_refusals AS refusal
    JOIN relay_parked AS parked USING (aggregate_type, aggregate_id, version, ordinal)
    ORDER BY next_attempt_at NULLS FIRST, refusal.aggregate_type, refusal.aggregate_id
    LIMIT 1000"""

RETAINED_WAL: Final = """
    SELECT CAST(pg_wal_lsn_diff(pg_current_wal_lsn(), restart_lsn) AS bigint)
    FROM pg_replication_slots WHERE slot_name = current_database()"""

# The log, or the table of what is parked, holds all that is not delivered yet: the rows are kept
# for their keys alone.
TIDY_LOGGED: Final = tidy_statement("outbox", "created_at")

SLOT_STATUS: Final = """
    SELECT wal_status FROM pg_replication_slots WHERE slot_name = current_database()"""

FORGET_PRIMING: Final = "UPDATE relay_log_reader SET is_primed = false"

CREATE_SLOT: Final = "SELECT pg_create_logical_replication_slot(current_database(), 'pgoutput')"

# After the slot was made: what is committed between the two is found in both, and comes twice.
PRIME: Final = f"""
    WITH unprimed AS (
        UPDATE relay_log_reader SET is_primed = true WHERE NOT is_primed RETURNING token
    )
    INSERT INTO relay_parked ({_COLUMNS})
    SELECT {_COLUMNS} FROM outbox CROSS JOIN unprimed
    WHERE {UNDELIVERED}
    ON CONFLICT DO NOTHING"""

END_READERS: Final = """
    SELECT pg_terminate_backend(active_pid, 5000) FROM pg_replication_slots
    WHERE database = %s AND active_pid IS NOT NULL"""

DROP_SLOTS: Final = """
    SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots
    WHERE database = %s AND NOT temporary"""
