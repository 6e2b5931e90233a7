-- The capital figures of each profile in its quote asset; numbers are text, so that none becomes a float.
-- For dashboards, over HTTP. Runs with its reader's rights, so row level security holds.
CREATE VIEW holdfast_api.capital WITH (security_invoker = true) AS
SELECT c.tenant_id, c.profile_id, p.name AS profile, p.quote_asset, c.allocated::text, c.available::text,
       c.reserved_for_orders::text, c.reserved_for_positions::text, c.dust::text,
       (c.trading_pnl - c.fees)::text AS realized_pnl, c.fees::text, c.mode, c.version, c.updated_at
FROM engine.profile_capital c
JOIN engine.profiles p USING (tenant_id, profile_id);
COMMENT ON VIEW holdfast_api.capital IS 'the capital figures of each profile in its quote asset';
REVOKE ALL ON holdfast_api.capital FROM PUBLIC;
GRANT SELECT ON holdfast_api.capital TO holdfast_reader;
