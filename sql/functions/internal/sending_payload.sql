-- What the feed says of an intent that is about to be sent.
-- Locks, writes and raises nothing. No SET clause: pg_catalog only, so that it can be inlined.
CREATE OR REPLACE FUNCTION engine.sending_payload(
  p_client_order_id text, p_symbol text, p_type text, p_quantity numeric, p_limit_price numeric,
  p_required numeric, p_label text, p_robot_id uuid, p_price_at timestamptz
) RETURNS jsonb
LANGUAGE sql STABLE PARALLEL SAFE AS $$
  SELECT jsonb_build_object('client_order_id', p_client_order_id, 'symbol', p_symbol, 'type', p_type,
    'quantity', trim_scale(p_quantity)::text, 'limit_price', trim_scale(p_limit_price)::text,
    'reserved', trim_scale(p_required)::text, 'label', p_label, 'robot_id', p_robot_id, 'price_at', p_price_at)
$$;
COMMENT ON FUNCTION engine.sending_payload(text, text, text, numeric, numeric, numeric, text, uuid, timestamptz) IS
  'feed payload of an intent being sent';
REVOKE ALL ON FUNCTION engine.sending_payload(text, text, text, numeric, numeric, numeric, text, uuid, timestamptz)
  FROM PUBLIC;
