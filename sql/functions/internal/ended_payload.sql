-- What the feed says of an order that has ended.
-- Locks, writes and raises nothing. No SET clause: pg_catalog only, so that it can be inlined.
CREATE OR REPLACE FUNCTION engine.ended_payload(p_order engine.orders, p_exchange_time timestamptz) RETURNS jsonb
LANGUAGE sql STABLE PARALLEL SAFE AS $$
  SELECT jsonb_build_object('client_order_id', p_order.client_order_id, 'symbol', p_order.symbol,
    'exchange_order_id', p_order.exchange_order_id, 'filled_quantity', trim_scale(p_order.filled_quantity)::text,
    'booked_notional', trim_scale(p_order.booked_notional)::text,
    'average_price', engine.average_price(p_order.booked_notional, p_order.booked_quantity),
    'exchange_time', coalesce(p_exchange_time, p_order.exchange_time))
$$;
COMMENT ON FUNCTION engine.ended_payload(engine.orders, timestamptz) IS 'feed payload of an order that has ended';
REVOKE ALL ON FUNCTION engine.ended_payload(engine.orders, timestamptz) FROM PUBLIC;
