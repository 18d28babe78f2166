-- The statements of the mix `place`, as every strategy of the plan `statements` sends them. The
-- lines and the messages are one statement each: the drivers send theirs in one round trip too.
\set account random(1, :accounts)
BEGIN;
INSERT INTO orders (id, version, account_id, status, tags) VALUES (gen_random_uuid(), 1, lpad(:account::text, 32, '0')::uuid, 'placed', '{benchmark,web}') RETURNING id \gset
INSERT INTO order_lines (order_id, line_no, sku, quantity, unit_price_cents) VALUES (:id, 1, 'sku-0001', 3, 1000), (:id, 2, 'sku-0002', 2, 2000), (:id, 3, 'sku-0003', 1, 3000);
INSERT INTO outbox (op_id, ordinal, aggregate_type, aggregate_id, version, topic, audience, state) SELECT operation.id, ordinal, 'order', :id::uuid, 1, topic, audience, state FROM (SELECT gen_random_uuid() AS id) AS operation CROSS JOIN (VALUES (0, 'order.placed', 3, jsonb_build_object('account_id', lpad(:account::text, 32, '0')::uuid, 'total_cents', 10000)), (1, 'order.stock_requested', 2, '{"lines": [{"line_no": 1, "sku": "sku-0001", "quantity": 3, "unit_price_cents": 1000}, {"line_no": 2, "sku": "sku-0002", "quantity": 2, "unit_price_cents": 2000}, {"line_no": 3, "sku": "sku-0003", "quantity": 1, "unit_price_cents": 3000}]}'::jsonb)) AS message (ordinal, topic, audience, state);
COMMIT;
