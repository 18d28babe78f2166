-- Each relay owns some shards of the aggregates.
CREATE TABLE IF NOT EXISTS relay_shards (
    shard        smallint    NOT NULL PRIMARY KEY,
    token        bigint      NOT NULL DEFAULT 0,
    leased_until timestamptz NOT NULL DEFAULT '-infinity'
);

INSERT INTO relay_shards (shard) SELECT generate_series(0, 15) ON CONFLICT DO NOTHING;

-- The relays that are alive, so that each can tell what its fair share is.
CREATE TABLE IF NOT EXISTS relay_members (
    token      bigint      NOT NULL PRIMARY KEY,
    seen_until timestamptz NOT NULL
);

CREATE INDEX IF NOT EXISTS outbox_undelivered_by_shard
    ON outbox ((uuid_hash(aggregate_id) & 15), aggregate_type, aggregate_id, version, ordinal)
    WHERE delivered_at IS NULL AND audience > 0;
