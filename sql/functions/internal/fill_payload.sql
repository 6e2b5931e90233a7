-- What the feed says of a fill; the order's figures are those after it.
-- Locks, writes and raises nothing. No SET clause: pg_catalog only, so that it can be inlined.
CREATE OR REPLACE FUNCTION engine.fill_payload(p_order engine.orders, p_fill engine.fills) RETURNS jsonb
LANGUAGE sql STABLE PARALLEL SAFE AS $$
  SELECT jsonb_build_object(
    'client_order_id', p_order.client_order_id, 'symbol', p_order.symbol, 'side', p_order.side,
    'exchange_order_id', p_order.exchange_order_id, 'exchange_trade_id', p_fill.exchange_trade_id,
    'price', trim_scale(p_fill.price)::text, 'quantity', trim_scale(p_fill.quantity)::text,
    'fee_asset', p_fill.fee_asset, 'fee_quantity', trim_scale(p_fill.fee_quantity)::text,
    'fee_value', trim_scale(p_fill.fee_value)::text, 'exchange_time', p_fill.exchange_time,
    'filled_quantity', trim_scale(p_order.filled_quantity)::text, 'inferred', p_fill.inferred,
    'average_price', engine.average_price(p_order.booked_notional, p_order.booked_quantity))
$$;
COMMENT ON FUNCTION engine.fill_payload(engine.orders, engine.fills) IS 'feed payload of a fill';
REVOKE ALL ON FUNCTION engine.fill_payload(engine.orders, engine.fills) FROM PUBLIC;
