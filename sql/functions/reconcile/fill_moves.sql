-- What foreign fills move of the unassigned holdings: base, quote and fee asset, one movement per fill and asset.
-- p_return: taken back, because the order is ours. Locks nothing, writes nothing, raises nothing.
CREATE OR REPLACE FUNCTION engine.fill_moves(p_fills engine.foreign_fills[], p_return boolean)
RETURNS engine.foreign_move[]
LANGUAGE plpgsql STABLE SET search_path = ''
AS $$
BEGIN
  RETURN ARRAY(
    WITH legs AS MATERIALIZED (
      SELECT f.account_id, f.symbol, f.exchange_order_id, f.exchange_trade_id, f.side, f.exchange_time, l.asset,
        sum(l.delta) AS delta
      FROM unnest(p_fills) f
      LEFT JOIN LATERAL (SELECT u.base_asset, u.quote_asset FROM engine.instruments u WHERE u.tenant_id = f.tenant_id
        AND u.account_id = f.account_id AND u.symbol = f.symbol LIMIT 1) u ON true
      CROSS JOIN LATERAL (VALUES
        (coalesce(u.base_asset, split_part(f.symbol, '/', 1)),
         CASE f.side WHEN 'buy' THEN f.quantity ELSE -f.quantity END),
        (coalesce(u.quote_asset, split_part(f.symbol, '/', 2)),
         round(f.price * f.quantity, 18) * CASE f.side WHEN 'buy' THEN -1 ELSE 1 END),
        (f.fee_asset, -coalesce(f.fee_quantity, 0))) l (asset, delta)
      WHERE l.asset IS NOT NULL
      GROUP BY f.account_id, f.symbol, f.exchange_order_id, f.exchange_trade_id, f.side, f.exchange_time, l.asset
    )
    SELECT ROW(l.asset, CASE WHEN p_return THEN -l.delta ELSE l.delta END, 'foreign_fill',
      'foreign:' || l.account_id || ':' || l.symbol || ':' || l.exchange_order_id || ':' || l.exchange_trade_id || ':'
        || l.asset || CASE WHEN p_return THEN ':returned' ELSE '' END,
      CASE WHEN p_return THEN 'this order is ours: ' ELSE '' END || l.side || ' of ' || l.symbol || ', order '
        || l.exchange_order_id || ', trade ' || l.exchange_trade_id)::engine.foreign_move
    FROM legs l WHERE l.delta <> 0
    ORDER BY l.exchange_time, l.symbol, l.exchange_trade_id, l.asset);
END
$$;
COMMENT ON FUNCTION engine.fill_moves IS
  'What foreign fills move of the unassigned holdings.';
REVOKE ALL ON FUNCTION engine.fill_moves FROM PUBLIC;
