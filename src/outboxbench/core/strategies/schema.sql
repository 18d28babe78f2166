-- The tables that every strategy shares. No foreign key crosses an aggregate's boundary: it would
-- make one transaction lock the rows of another aggregate.

CREATE TABLE accounts (
    id            uuid    PRIMARY KEY,
    version       integer NOT NULL CHECK (version > 0),
    balance_cents bigint  NOT NULL CHECK (balance_cents >= 0)
) WITH (fillfactor = 70); -- room on the page, so that updates stay heap-only

CREATE TABLE orders (
    id         uuid    PRIMARY KEY,
    version    integer NOT NULL CHECK (version > 0),
    account_id uuid    NOT NULL,
    status     text    NOT NULL CHECK (status IN ('placed', 'confirmed', 'cancelled')),
    tags       text[]  NOT NULL
) WITH (fillfactor = 70);

CREATE TABLE order_lines (
    order_id         uuid    NOT NULL REFERENCES orders ON DELETE CASCADE,
    line_no          integer NOT NULL,
    sku              text    NOT NULL,
    quantity         integer NOT NULL CHECK (quantity > 0),
    unit_price_cents bigint  NOT NULL CHECK (unit_price_cents >= 0),
    PRIMARY KEY (order_id, line_no)
) WITH (fillfactor = 70);

CREATE TABLE outbox (
    op_id          uuid        NOT NULL,
    ordinal        smallint    NOT NULL CHECK (ordinal >= 0),
    aggregate_type text        NOT NULL,
    aggregate_id   uuid        NOT NULL,
    version        integer     NOT NULL,
    topic          text        NOT NULL,
    audience       smallint    NOT NULL, -- 1 internal handlers, 2 the outside, 3 both, 0 neither
    state          jsonb       NOT NULL,
    created_at     timestamptz NOT NULL DEFAULT now(),
    delivered_at   timestamptz, -- set by a relay that keeps what it has delivered
    -- A retried operation cannot apply twice.
    CONSTRAINT outbox_operation PRIMARY KEY (op_id, ordinal),
    -- The row lock on the aggregate makes version order commit order.
    CONSTRAINT outbox_history UNIQUE (aggregate_type, aggregate_id, version, ordinal)
);

-- The `op_id`s that outlive their messages, where a relay deletes those.
CREATE TABLE operations (
    op_id        uuid        NOT NULL CONSTRAINT kept_operation PRIMARY KEY,
    committed_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE inbox (
    handler      text        NOT NULL,
    op_id        uuid        NOT NULL,
    ordinal      smallint    NOT NULL,
    processed_at timestamptz NOT NULL DEFAULT now(),
    -- A message has its effect once, however often it is delivered.
    CONSTRAINT inbox_entry PRIMARY KEY (handler, op_id, ordinal)
);
