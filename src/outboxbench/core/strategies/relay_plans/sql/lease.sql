-- An aggregate is leased as a whole, while messages of it are on their way. Rows come and go.
CREATE TABLE IF NOT EXISTS relay_leases (
    aggregate_type text        NOT NULL,
    aggregate_id   uuid        NOT NULL,
    token          bigint      NOT NULL,
    leased_until   timestamptz NOT NULL,
    PRIMARY KEY (aggregate_type, aggregate_id)
);

-- The undelivered, aggregate by aggregate, each in the order of its history.
CREATE INDEX IF NOT EXISTS outbox_undelivered
    ON outbox (aggregate_type, aggregate_id, version, ordinal)
    WHERE delivered_at IS NULL AND audience > 0;
