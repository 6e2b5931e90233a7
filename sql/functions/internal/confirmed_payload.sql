-- What the feed says of an order that the exchange has confirmed.
-- Locks, writes and raises nothing. No SET clause: pg_catalog only, so that it can be inlined.
CREATE OR REPLACE FUNCTION engine.confirmed_payload(
  p_client_order_id text, p_exchange_order_id text, p_symbol text, p_kind text, p_quantity numeric,
  p_exchange_time timestamptz
) RETURNS jsonb
LANGUAGE sql STABLE PARALLEL SAFE AS $$
  SELECT jsonb_build_object('client_order_id', p_client_order_id, 'exchange_order_id', p_exchange_order_id,
    'symbol', p_symbol, 'kind', p_kind, 'quantity', trim_scale(p_quantity)::text, 'exchange_time', p_exchange_time)
$$;
COMMENT ON FUNCTION engine.confirmed_payload(text, text, text, text, numeric, timestamptz) IS
  'feed payload of a confirmed order';
REVOKE ALL ON FUNCTION engine.confirmed_payload(text, text, text, text, numeric, timestamptz) FROM PUBLIC;
