-- What every relay plan needs beside the outbox. All of it can be run again on what is there.

-- A message that is refused holds its aggregate up, so there is one at most for each.
CREATE TABLE IF NOT EXISTS relay_refusals (
    aggregate_type  text        NOT NULL,
    aggregate_id    uuid        NOT NULL,
    version         integer     NOT NULL,
    ordinal         smallint    NOT NULL,
    refusals        integer     NOT NULL,
    next_attempt_at timestamptz, -- null: dead, until somebody lets it be tried again
    reason          text        NOT NULL,
    PRIMARY KEY (aggregate_type, aggregate_id)
);

-- Fencing tokens: every claim takes a higher one.
CREATE SEQUENCE IF NOT EXISTS relay_tokens;
