-- Fills that count, with their fee; numbers are text.
-- For dashboards, over HTTP. Runs with its reader's rights, so row level security holds.
CREATE VIEW holdfast_api.fills WITH (security_invoker = true) AS
SELECT tenant_id, profile_id, intent_id, account_id, symbol, side, exchange_order_id, exchange_trade_id, price::text,
       quantity::text, notional::text, fee_asset, fee_quantity::text, fee_value::text, maker, inferred, exchange_time,
       recorded_at
FROM engine.fills
WHERE superseded_at IS NULL;
COMMENT ON VIEW holdfast_api.fills IS 'fills that count, with their fee';
REVOKE ALL ON holdfast_api.fills FROM PUBLIC;
GRANT SELECT ON holdfast_api.fills TO holdfast_reader;
