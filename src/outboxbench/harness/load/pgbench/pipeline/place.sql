-- The statements of the mix `place` in one batch, as the strategies of the plan `pipeline` send them.
\set account random(1, :accounts)
\startpipeline
BEGIN;
WITH root AS (INSERT INTO orders (id, version, account_id, status, tags) VALUES (gen_random_uuid(), 1, lpad(:account::text, 32, '0')::uuid, 'placed', '{benchmark,web}') RETURNING id, version), added AS (INSERT INTO order_lines (order_id, line_no, sku, quantity, unit_price_cents) SELECT root.id, line.* FROM root CROSS JOIN (VALUES (1, 'sku-0001', 3, 1000), (2, 'sku-0002', 2, 2000), (3, 'sku-0003', 1, 3000)) AS line) INSERT INTO outbox (op_id, ordinal, aggregate_type, aggregate_id, version, topic, audience, state) SELECT operation.id, ordinal, 'order', root.id, root.version, topic, audience, state FROM root CROSS JOIN (SELECT gen_random_uuid() AS id) AS operation CROSS JOIN (VALUES (0, 'order.placed', 3, jsonb_build_object('account_id', lpad(:account::text, 32, '0')::uuid, 'total_cents', 10000)), (1, 'order.stock_requested', 2, '{"lines": [{"line_no": 1, "sku": "sku-0001", "quantity": 3, "unit_price_cents": 1000}, {"line_no": 2, "sku": "sku-0002", "quantity": 2, "unit_price_cents": 2000}, {"line_no": 3, "sku": "sku-0003", "quantity": 1, "unit_price_cents": 3000}]}'::jsonb)) AS message (ordinal, topic, audience, state);
COMMIT;
\endpipeline
