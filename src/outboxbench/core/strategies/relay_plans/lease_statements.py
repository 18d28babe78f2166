"""The SQL of leases: how aggregates are claimed one by one, and how a lease is kept and told."""

from __future__ import annotations

from typing import Final

from outboxbench.core.strategies.relay_plans.statements import (
    IS_NOT_REFUSED,
    MESSAGE_COLUMNS,
    UNDELIVERED,
    Held,
)

# The first undelivered message of each aggregate, found by jumping from one aggregate to the next
# in the index: what lies behind a message that is held up costs nothing. Stops as soon as enough
# aggregates are found that are free, so it begins after the one where the last claim ended.
#
# The lock on that message is what SKIP LOCKED is for. Another claim of the same aggregate at the
# same time is skipped, and never the message alone: what follows it is claimed with it or not at
# all. Once locked, the row is looked at again as it is by then, so that what was delivered
# meanwhile is left out.
CLAIM_LEASES: Final = f"""
    WITH RECURSIVE head AS (
        (SELECT aggregate_type, aggregate_id, version, ordinal FROM outbox
         WHERE {UNDELIVERED}
           AND (aggregate_type, aggregate_id) > (CAST($1 AS text), CAST($2 AS uuid))
         ORDER BY aggregate_type, aggregate_id, version, ordinal LIMIT 1)
        UNION ALL
        SELECT following.* FROM head CROSS JOIN LATERAL (
            SELECT aggregate_type, aggregate_id, version, ordinal FROM outbox
            WHERE {UNDELIVERED}
              AND (outbox.aggregate_type, outbox.aggregate_id)
                > (head.aggregate_type, head.aggregate_id)
            ORDER BY aggregate_type, aggregate_id, version, ordinal LIMIT 1
        ) AS following
    ), free AS MATERIALIZED (
        SELECT outbox.aggregate_type, outbox.aggregate_id
        FROM head JOIN outbox USING (aggregate_type, aggregate_id, version, ordinal)
        WHERE {UNDELIVERED} AND {IS_NOT_REFUSED}
          AND (SELECT leased_until > now() FROM relay_leases AS lease
               WHERE lease.aggregate_type = outbox.aggregate_type
                 AND lease.aggregate_id = outbox.aggregate_id) IS NOT TRUE
        LIMIT CAST($3 AS integer)
        FOR UPDATE OF outbox SKIP LOCKED
    ), claim AS MATERIALIZED (
        SELECT nextval('relay_tokens') AS token
    ), leased AS MATERIALIZED (
        INSERT INTO relay_leases AS lease (aggregate_type, aggregate_id, token, leased_until)
        SELECT aggregate_type, aggregate_id, token,
               now() + make_interval(secs => CAST($5 AS double precision))
        FROM free CROSS JOIN claim
        ON CONFLICT (aggregate_type, aggregate_id) DO UPDATE
        SET token = excluded.token, leased_until = excluded.leased_until
        WHERE lease.leased_until <= now()
        RETURNING aggregate_type, aggregate_id, token
    )
    SELECT leased.token, coalesce(refusal.refusals, 0), message.*
    FROM leased LEFT JOIN relay_refusals AS refusal USING (aggregate_type, aggregate_id)
    CROSS JOIN LATERAL (
        SELECT {MESSAGE_COLUMNS} FROM outbox
        WHERE outbox.aggregate_type = leased.aggregate_type
          AND outbox.aggregate_id = leased.aggregate_id AND {UNDELIVERED}
        ORDER BY version, ordinal
        LIMIT greatest(1, CAST($4 AS integer) / (SELECT count(*) FROM leased))
    ) AS message
    ORDER BY message.aggregate_type, message.aggregate_id, message.version, message.ordinal"""

RENEW_LEASES: Final = """
    WITH renewed AS (
        UPDATE relay_leases
        SET leased_until = now() + make_interval(secs => CAST($2 AS double precision))
        WHERE token = ANY (CAST($1 AS bigint[]))
        RETURNING token
    )
    SELECT DISTINCT token FROM renewed"""

# Whose lease has gone to another is not held any more; whoever takes it over waits for the lock.
HELD_BY_LEASE: Final = Held(
    """, held AS MATERIALIZED (
        SELECT settled.* FROM settled JOIN relay_leases AS lease
            USING (aggregate_type, aggregate_id, token)
        ORDER BY aggregate_type, aggregate_id FOR UPDATE OF lease
    ), released AS (
        DELETE FROM relay_leases AS lease USING held
        WHERE lease.aggregate_type = held.aggregate_type
          AND lease.aggregate_id = held.aggregate_id
    )"""
)
