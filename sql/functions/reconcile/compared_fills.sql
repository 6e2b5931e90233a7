-- The trades that a pass was shown of a profile, each once, beside what is booked of it. A trade belongs to the order
-- that the ledger knows under its exchange order id, else to the intent whose report has that id.
-- Locks nothing, writes nothing, raises nothing.
CREATE OR REPLACE FUNCTION engine.compared_fills(
    p_profile engine.profiles, p_fills jsonb, p_orders engine.compared_order[], p_began timestamptz
)
RETURNS engine.compared_fill[]
LANGUAGE plpgsql STABLE SET search_path = ''
AS $$
BEGIN
  RETURN ARRAY(
    WITH given AS MATERIALIZED (
      SELECT DISTINCT ON (g.symbol, g.exchange_order_id, g.exchange_trade_id) g.*
      FROM jsonb_to_recordset(coalesce(p_fills, '[]')) AS g (symbol text, exchange_order_id text,
        exchange_trade_id text, price numeric, quantity numeric, exchange_time timestamptz)
      ORDER BY g.symbol, g.exchange_order_id, g.exchange_trade_id
    ), reported AS MATERIALIZED (
      SELECT DISTINCT ON (r.symbol, r.shown_order_id) r.symbol, r.shown_order_id, r.intent_id, r.touched
      FROM unnest(p_orders) r WHERE r.shown AND r.status IS NULL
    )
    SELECT ROW(coalesce(o.intent_id, r.intent_id), g.symbol, g.exchange_order_id, g.exchange_trade_id, g.price,
      g.quantity, g.exchange_time, f.price, f.quantity,
      coalesce(o.updated_at > p_began, r.touched, false))::engine.compared_fill
    FROM given g
    LEFT JOIN LATERAL (SELECT o.intent_id, o.profile_id, o.updated_at FROM engine.orders o
      WHERE o.tenant_id = p_profile.tenant_id AND o.account_id = p_profile.account_id AND o.symbol = g.symbol
        AND o.exchange_order_id = g.exchange_order_id LIMIT 1) o ON true
    LEFT JOIN LATERAL (SELECT f.price, f.quantity FROM engine.fills f
      WHERE f.tenant_id = p_profile.tenant_id AND f.account_id = p_profile.account_id AND f.symbol = g.symbol
        AND f.exchange_order_id = g.exchange_order_id AND f.exchange_trade_id = g.exchange_trade_id LIMIT 1) f ON true
    LEFT JOIN reported r ON r.symbol = g.symbol AND r.shown_order_id = g.exchange_order_id
    WHERE o.intent_id IS NULL OR o.profile_id = p_profile.profile_id);
END
$$;
COMMENT ON FUNCTION engine.compared_fills IS
  'The trades shown of a profile beside what is booked of them.';
REVOKE ALL ON FUNCTION engine.compared_fills FROM PUBLIC;
