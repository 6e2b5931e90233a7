-- What each profile holds, with its cost in the quote asset; numbers are text.
-- For dashboards, over HTTP. Runs with its reader's rights, so row level security holds.
CREATE VIEW holdfast_api.positions WITH (security_invoker = true) AS
SELECT tenant_id, profile_id, symbol, base_asset, quantity::text, reserved_quantity::text, cost::text, is_dust,
       last_fill_price::text, opened_at, updated_at
FROM engine.positions;
COMMENT ON VIEW holdfast_api.positions IS 'what each profile holds, with its cost in the quote asset';
REVOKE ALL ON holdfast_api.positions FROM PUBLIC;
GRANT SELECT ON holdfast_api.positions TO holdfast_reader;
