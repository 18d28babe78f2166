-- The statements of the mix `charge` in two batches, as the strategies of the plan `pipeline` send
-- them. pgbench keeps no answer of a pipeline, so the update cannot name the version that was read:
-- it counts the stored one up, and never misses. That spares a contended account its retries, and
-- the server nothing else.
\set account random(1, :accounts)
\set amount_cents random(1, :highest_charge_cents)
\startpipeline
BEGIN;
SELECT id, version, balance_cents FROM accounts WHERE id = lpad(:account::text, 32, '0')::uuid;
\endpipeline
\startpipeline
WITH root AS (UPDATE accounts SET version = version + 1, balance_cents = balance_cents - :amount_cents WHERE id = lpad(:account::text, 32, '0')::uuid RETURNING id, version, balance_cents) INSERT INTO outbox (op_id, ordinal, aggregate_type, aggregate_id, version, topic, audience, state) SELECT gen_random_uuid(), 0, 'account', root.id, root.version, 'account.charged', 1, jsonb_build_object('order_id', gen_random_uuid(), 'amount_cents', :amount_cents::bigint, 'balance_cents', root.balance_cents) FROM root;
COMMIT;
\endpipeline
