-- The trades of a part that are nobody's and not booked yet. One with recorded_at NULL is postponed: its order's client
-- order id is not known, and an intent that nobody has resolved may have made it. unsure: our tag, or no client order
-- id. What was traded before the account was registered lies in its baseline.
-- Locks nothing, writes nothing, raises nothing.
CREATE OR REPLACE FUNCTION engine.new_foreign_fills(
    p_account engine.exchange_accounts, p_part jsonb, p_now timestamptz
)
RETURNS engine.foreign_fills[]
LANGUAGE plpgsql STABLE SET search_path = ''
AS $$
DECLARE
  v_tag text := (SELECT installation_tag FROM engine.engine_settings);
BEGIN
  RETURN ARRAY(
    WITH given AS MATERIALIZED (
      SELECT DISTINCT ON (g.symbol, g.exchange_order_id, g.exchange_trade_id) g.*
      FROM jsonb_to_recordset(coalesce(p_part -> 'foreign_fills', '[]')) AS g (symbol text, exchange_order_id text,
        exchange_trade_id text, client_order_id text, side text, price numeric, quantity numeric,
        fee_quantity numeric, fee_asset text, maker boolean, exchange_time timestamptz)
      WHERE g.exchange_time >= p_account.created_at
      ORDER BY g.symbol, g.exchange_order_id, g.exchange_trade_id, g.client_order_id
    ), unresolved AS MATERIALIZED (
      SELECT DISTINCT i.symbol, i.side FROM engine.unresolved_intents(p_account) i
    ), tagged AS MATERIALIZED (
      SELECT o.symbol, o.exchange_order_id
      FROM jsonb_to_recordset(coalesce(p_part -> 'own_orders', '[]')) AS o (symbol text, exchange_order_id text)
    )
    SELECT ROW(p_account.tenant_id, p_account.account_id, g.symbol, g.exchange_order_id, g.exchange_trade_id,
      g.client_order_id, g.side, g.price, g.quantity, g.fee_quantity, g.fee_asset, g.maker,
      g.client_order_id IS NULL OR starts_with(g.client_order_id, v_tag)
        OR EXISTS (SELECT FROM tagged t WHERE t.symbol = g.symbol AND t.exchange_order_id = g.exchange_order_id),
      g.exchange_time, CASE WHEN g.client_order_id IS NULL AND EXISTS (SELECT FROM unresolved u
        WHERE u.symbol = g.symbol AND u.side = g.side) THEN NULL ELSE p_now END, NULL)::engine.foreign_fills
    FROM given g
    LEFT JOIN LATERAL (SELECT f.symbol FROM engine.foreign_fills f WHERE f.tenant_id = p_account.tenant_id
      AND f.account_id = p_account.account_id AND f.symbol = g.symbol AND f.exchange_order_id = g.exchange_order_id
      AND f.exchange_trade_id = g.exchange_trade_id LIMIT 1) known ON true
    LEFT JOIN LATERAL (SELECT o.intent_id FROM engine.orders o WHERE o.tenant_id = p_account.tenant_id
      AND o.account_id = p_account.account_id AND o.symbol = g.symbol
      AND o.exchange_order_id = g.exchange_order_id LIMIT 1) ordered ON true
    LEFT JOIN LATERAL (SELECT i.intent_id FROM engine.intents i WHERE i.tenant_id = p_account.tenant_id
      AND i.client_order_id = g.client_order_id AND i.account_id = p_account.account_id LIMIT 1) asked ON true
    WHERE known.symbol IS NULL AND ordered.intent_id IS NULL AND asked.intent_id IS NULL
    ORDER BY g.exchange_time, g.symbol, g.exchange_trade_id);
END
$$;
COMMENT ON FUNCTION engine.new_foreign_fills IS
  'The trades that are nobody''s and not booked yet.';
REVOKE ALL ON FUNCTION engine.new_foreign_fills FROM PUBLIC;
