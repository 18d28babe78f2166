-- The statements of the mix `charge`, as every strategy of the plan `single` sends them: each a
-- transaction of its own. \aset leaves `hit` at 0 where the update finds another version.
\set account random(1, :accounts)
\set amount_cents random(1, :highest_charge_cents)
\set hit 0
SELECT id, version, balance_cents FROM accounts WHERE id = lpad(:account::text, 32, '0')::uuid \gset
\set next_version :version + 1
\set new_balance_cents :balance_cents - :amount_cents
WITH root AS (UPDATE accounts SET version = :next_version, balance_cents = :new_balance_cents WHERE id = :id AND version = :version RETURNING id, version) INSERT INTO outbox (op_id, ordinal, aggregate_type, aggregate_id, version, topic, audience, state) SELECT gen_random_uuid(), 0, 'account', root.id, root.version, 'account.charged', 1, jsonb_build_object('order_id', gen_random_uuid(), 'amount_cents', :amount_cents::bigint, 'balance_cents', :new_balance_cents::bigint) FROM root RETURNING 1 AS hit \aset
\if :hit
\else
-- What pgbench takes for a reason to try the same charge again.
DO 'BEGIN RAISE serialization_failure; END';
\endif
