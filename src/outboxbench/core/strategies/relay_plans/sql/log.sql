-- The outbox is read from the write-ahead log; what is refused there is kept here, with all that
-- follows it in its aggregate, so that the log need not be kept for it.
CREATE TABLE IF NOT EXISTS relay_parked (
    op_id          uuid        NOT NULL,
    ordinal        smallint    NOT NULL,
    aggregate_type text        NOT NULL,
    aggregate_id   uuid        NOT NULL,
    version        integer     NOT NULL,
    topic          text        NOT NULL,
    audience       smallint    NOT NULL,
    state          jsonb       NOT NULL,
    parked_at      timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (aggregate_type, aggregate_id, version, ordinal)
);

-- One row: the fencing token of whoever reads the log, and whether what was committed before the
-- slot was made, and so is not in its log, has been parked.
CREATE TABLE IF NOT EXISTS relay_log_reader (
    is_only   boolean NOT NULL DEFAULT true PRIMARY KEY CHECK (is_only),
    token     bigint  NOT NULL DEFAULT 0,
    is_primed boolean NOT NULL DEFAULT false
);

INSERT INTO relay_log_reader DEFAULT VALUES ON CONFLICT DO NOTHING;

DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_publication WHERE pubname = 'outbox') THEN
        CREATE PUBLICATION outbox
            FOR TABLE outbox
                (op_id, ordinal, aggregate_type, aggregate_id, version, topic, audience, state)
                WHERE (audience > 0)
            WITH (publish = 'insert');
    END IF;
END
$$;
