-- Foreign fills as a pass shows them: [{kind, key, symbol, exchange_order_id, detail}].
-- Locks nothing, writes nothing, raises nothing.
CREATE OR REPLACE FUNCTION engine.foreign_view(p_fills engine.foreign_fills[], p_kind text)
RETURNS jsonb
LANGUAGE plpgsql STABLE SET search_path = ''
AS $$
BEGIN
  RETURN (
    SELECT coalesce(jsonb_agg(jsonb_build_object('kind', p_kind, 'symbol', f.symbol,
      'key', f.symbol || ':' || f.exchange_order_id || ':' || f.exchange_trade_id,
      'exchange_order_id', f.exchange_order_id, 'detail', jsonb_strip_nulls(jsonb_build_object(
        'exchange_trade_id', f.exchange_trade_id, 'client_order_id', f.client_order_id, 'side', f.side,
        'price', trim_scale(f.price)::text, 'quantity', trim_scale(f.quantity)::text,
        'fee_asset', f.fee_asset, 'fee_quantity', trim_scale(f.fee_quantity)::text,
        'exchange_time', f.exchange_time)))), '[]')
    FROM unnest(p_fills) f);
END
$$;
COMMENT ON FUNCTION engine.foreign_view IS
  'Foreign fills as a pass shows them.';
REVOKE ALL ON FUNCTION engine.foreign_view FROM PUBLIC;
