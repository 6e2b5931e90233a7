-- What is shown of a fill. Locks nothing, writes nothing, raises nothing.
CREATE OR REPLACE FUNCTION engine.fill_view(p_fill engine.fills)
RETURNS jsonb
LANGUAGE sql STABLE SET search_path = ''
AS $$
  SELECT jsonb_build_object('order_id', p_fill.intent_id, 'profile_id', p_fill.profile_id,
    'account_id', p_fill.account_id, 'symbol', p_fill.symbol, 'exchange_order_id', p_fill.exchange_order_id,
    'exchange_trade_id', p_fill.exchange_trade_id, 'event_id', p_fill.event_id, 'side', p_fill.side,
    'price', trim_scale(p_fill.price)::text, 'quantity', trim_scale(p_fill.quantity)::text,
    'notional', trim_scale(p_fill.notional)::text, 'fee_asset', p_fill.fee_asset,
    'fee_quantity', trim_scale(p_fill.fee_quantity)::text, 'fee_value', trim_scale(p_fill.fee_value)::text,
    'fee_rate', trim_scale(p_fill.fee_rate)::text, 'rate_source', p_fill.rate_source, 'maker', p_fill.maker,
    'inferred', p_fill.inferred, 'superseded_at', p_fill.superseded_at, 'source', p_fill.source,
    'exchange_time', p_fill.exchange_time, 'recorded_at', p_fill.recorded_at)
$$;
COMMENT ON FUNCTION engine.fill_view IS
  'A fill as JSON; every number is text.';
REVOKE ALL ON FUNCTION engine.fill_view FROM PUBLIC;
