-- Intents with their orders, where there is one; numbers are text.
-- For dashboards, over HTTP. Runs with its reader's rights, so row level security holds.
CREATE VIEW holdfast_api.orders WITH (security_invoker = true) AS
SELECT i.tenant_id, i.intent_id, i.profile_id, i.account_id, i.robot_id, i.kind, i.symbol, i.side, i.type,
       i.quantity::text, i.limit_price::text, i.label, i.client_order_id, i.state, i.reason_code, i.exchange_order_id,
       o.status, o.filled_quantity::text, o.booked_notional::text, i.created_at, i.updated_at, o.finished_at
FROM engine.intents i
LEFT JOIN engine.orders o USING (tenant_id, intent_id);
COMMENT ON VIEW holdfast_api.orders IS 'intents with their orders, where there is one';
REVOKE ALL ON holdfast_api.orders FROM PUBLIC;
GRANT SELECT ON holdfast_api.orders TO holdfast_reader;
