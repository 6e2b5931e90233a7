-- What the feed says of an intent that is about to be sent.
-- Locks, writes and raises nothing. No SET clause: pg_catalog only, so that it can be inlined.
CREATE OR REPLACE FUNCTION engine.sending_payload(p_item engine.intent_plan) RETURNS jsonb
LANGUAGE sql STABLE PARALLEL SAFE AS $$
  SELECT jsonb_build_object('client_order_id', p_item.client_order_id, 'symbol', p_item.symbol,
    'type', p_item.type, 'quantity', trim_scale(p_item.quantity)::text,
    'limit_price', trim_scale(p_item.limit_price)::text, 'reserved', trim_scale(p_item.required)::text,
    'label', p_item.label, 'robot_id', p_item.robot_id, 'price_at', p_item.price_at)
$$;
COMMENT ON FUNCTION engine.sending_payload(engine.intent_plan) IS 'outbox payload of an intent being sent';
REVOKE ALL ON FUNCTION engine.sending_payload(engine.intent_plan) FROM PUBLIC;
