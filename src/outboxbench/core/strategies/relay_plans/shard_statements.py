"""The SQL of shards: how they are read, and how relays share them out among themselves."""

from __future__ import annotations

from typing import Final

from outboxbench.core.strategies.relay_plans.statements import (
    IS_NOT_REFUSED,
    MESSAGE_COLUMNS,
    OF_HELD,
    UNDELIVERED,
    Held,
)

_SHARD: Final = "(uuid_hash(outbox.aggregate_id) & 15)"

HELD_BY_SHARD: Final = Held(
    """, held AS MATERIALIZED (
        SELECT settled.*, lease.shard FROM settled JOIN relay_shards AS lease
            ON lease.shard = uuid_hash(settled.aggregate_id) & 15 AND lease.token = settled.token
        ORDER BY lease.shard FOR SHARE OF lease
    )""",
    # By its shard a message is found in the index of those that are undelivered; without, all of
    # the aggregate's history would be looked through.
    rows=f"{OF_HELD} AND {_SHARD} = held.shard",
)

# As CLAIM_LEASES finds them, in all shards that are owned at once, each from its own place on. No
# lock: nobody else delivers from these shards, and who has just lost one is told when it settles.
CLAIM_SHARDS: Final = f"""
    WITH RECURSIVE head AS (
        SELECT place.shard, earliest.*
        FROM unnest(CAST($1 AS smallint[]), CAST($2 AS text[]), CAST($3 AS uuid[]))
            AS place (shard, aggregate_type, aggregate_id)
        CROSS JOIN LATERAL (
            SELECT aggregate_type, aggregate_id FROM outbox
            WHERE {_SHARD} = place.shard AND {UNDELIVERED}
              AND (outbox.aggregate_type, outbox.aggregate_id)
                > (place.aggregate_type, place.aggregate_id)
            ORDER BY aggregate_type, aggregate_id LIMIT 1
        ) AS earliest
        UNION ALL
        SELECT head.shard, following.* FROM head CROSS JOIN LATERAL (
            SELECT aggregate_type, aggregate_id FROM outbox
            WHERE {_SHARD} = head.shard AND {UNDELIVERED}
              AND (outbox.aggregate_type, outbox.aggregate_id)
                > (head.aggregate_type, head.aggregate_id)
            ORDER BY aggregate_type, aggregate_id LIMIT 1
        ) AS following
    ), free AS MATERIALIZED (
        SELECT * FROM head AS outbox
        WHERE aggregate_id <> ALL (CAST($4 AS uuid[])) AND {IS_NOT_REFUSED}
        LIMIT CAST($5 AS integer)
    )
    SELECT free.shard, coalesce(refusal.refusals, 0), message.*
    FROM free LEFT JOIN relay_refusals AS refusal USING (aggregate_type, aggregate_id)
    CROSS JOIN LATERAL (
        SELECT {MESSAGE_COLUMNS} FROM outbox
        WHERE {_SHARD} = free.shard AND outbox.aggregate_type = free.aggregate_type
          AND outbox.aggregate_id = free.aggregate_id AND {UNDELIVERED}
        ORDER BY version, ordinal
        LIMIT greatest(1, CAST($6 AS integer) / (SELECT count(*) FROM free))
    ) AS message
    ORDER BY message.aggregate_type, message.aggregate_id, message.version, message.ordinal"""

# A member that has not been seen for so long has lost its shards as well.
MEET_MEMBERS: Final = """
    WITH me AS (
        INSERT INTO relay_members (token, seen_until)
        VALUES (CAST($1 AS bigint), now() + make_interval(secs => CAST($2 AS double precision)))
        ON CONFLICT (token) DO UPDATE SET seen_until = excluded.seen_until
    ), gone AS (
        DELETE FROM relay_members WHERE seen_until < now() AND token <> CAST($1 AS bigint)
    )
    SELECT 1 + count(*) FROM relay_members
    WHERE seen_until >= now() AND token <> CAST($1 AS bigint)"""

# How many relays are heard of, and how many shards nobody has.
LOOK_AROUND: Final = """
    SELECT (SELECT count(*) FROM relay_members WHERE seen_until >= now()),
           (SELECT count(*) FROM relay_shards WHERE leased_until < now())"""

# A relay settles and renews at the same time: both lock shards in the order of their numbers, or
# they would wait for each other.
RENEW_SHARDS: Final = """
    UPDATE relay_shards
    SET leased_until = now() + make_interval(secs => CAST($2 AS double precision))
    WHERE shard = ANY (ARRAY(
        SELECT shard FROM relay_shards WHERE token = CAST($1 AS bigint)
        ORDER BY shard FOR NO KEY UPDATE
    ))
    RETURNING shard"""

TAKE_SHARDS: Final = """
    UPDATE relay_shards
    SET token = CAST($1 AS bigint),
        leased_until = now() + make_interval(secs => CAST($2 AS double precision))
    WHERE shard IN (
        SELECT shard FROM relay_shards WHERE leased_until < now()
        ORDER BY random() LIMIT CAST($3 AS integer) FOR UPDATE SKIP LOCKED
    )
    RETURNING shard"""

RELEASE_SHARDS: Final = """
    UPDATE relay_shards SET token = 0, leased_until = '-infinity'
    WHERE shard = ANY (ARRAY(
        SELECT shard FROM relay_shards
        WHERE token = CAST($1 AS bigint) AND shard = ANY (CAST($2 AS smallint[]))
        ORDER BY shard FOR NO KEY UPDATE
    ))
    RETURNING shard"""

LEAVE: Final = "DELETE FROM relay_members WHERE token = CAST($1 AS bigint)"

NEXT_TOKEN: Final = "SELECT nextval('relay_tokens')"  # noqa: S105 - a number, no secret
