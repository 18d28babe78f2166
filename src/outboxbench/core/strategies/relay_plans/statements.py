"""The SQL of the relay plans.

An aggregate's messages become visible in the order of its versions, since its row lock makes
version order commit order. So the oldest undelivered message that a snapshot shows is
the oldest there is, and "delivered up to this one" says all of an aggregate in one row.
"""

from __future__ import annotations

from typing import Final

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

_SETTLED: Final = """
    WITH settled AS MATERIALIZED (
        SELECT * FROM unnest(CAST($1 AS text[]), CAST($2 AS uuid[]), CAST($3 AS bigint[]),
                             CAST($4 AS integer[]), CAST($5 AS smallint[]))
            AS settled (aggregate_type, aggregate_id, token, version, ordinal)
    )"""

# Whose lease has gone to another is not held any more; whoever takes it over waits for the lock.
HELD_BY_LEASE: Final = """, held AS MATERIALIZED (
        SELECT settled.* FROM settled JOIN relay_leases AS lease
            USING (aggregate_type, aggregate_id, token)
        ORDER BY aggregate_type, aggregate_id FOR UPDATE OF lease
    ), released AS (
        DELETE FROM relay_leases AS lease USING held
        WHERE lease.aggregate_type = held.aggregate_type
          AND lease.aggregate_id = held.aggregate_id
    )"""

HELD_BY_SHARD: Final = """, held AS MATERIALIZED (
        SELECT settled.*, lease.shard FROM settled JOIN relay_shards AS lease
            ON lease.shard = uuid_hash(settled.aggregate_id) & 15 AND lease.token = settled.token
        ORDER BY lease.shard FOR SHARE OF lease
    )"""

_SHARD: Final = "(uuid_hash(outbox.aggregate_id) & 15)"

_OF_HELD: Final = f"""outbox.aggregate_type = held.aggregate_type
          AND outbox.aggregate_id = held.aggregate_id AND {UNDELIVERED}"""

# By its shard a message is found in the index of those that are undelivered; without, all of the
# aggregate's history would be looked through.
_OF_HELD_BY_SHARD: Final = f"{_OF_HELD} AND {_SHARD} = held.shard"

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


def settle_statement(held: str, delivered: str, refused: str = "") -> str:
    """Return a statement that settles runs.

    Args:
        held: how it is told whose lease still holds.
        delivered: what becomes of messages that were delivered.
        refused: REFUSE, where runs are among them that met a refusal, now or before.
    """
    of_held = _OF_HELD_BY_SHARD if held == HELD_BY_SHARD else _OF_HELD
    marked, answer = delivered.format(of_held=of_held), _ANSWER.format(of_held=of_held)
    return f"{_SETTLED}{held}{marked}{refused}{answer}"


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
