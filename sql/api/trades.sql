-- Closed round trips with their result; numbers are text.
-- For dashboards, over HTTP. Runs with its reader's rights, so row level security holds.
CREATE VIEW holdfast_api.trades WITH (security_invoker = true) AS
SELECT tenant_id, event_id, profile_id, symbol, bought_quantity::text, bought_notional::text, sold_quantity::text,
       sold_notional::text, fees::text, trading_pnl::text, opened_at, closed_at
FROM engine.trade_history;
COMMENT ON VIEW holdfast_api.trades IS 'closed round trips with their result';
REVOKE ALL ON holdfast_api.trades FROM PUBLIC;
GRANT SELECT ON holdfast_api.trades TO holdfast_reader;
