-- The result of an intent that was opened.
-- Locks, writes and raises nothing. No SET clause: pg_catalog only, so that it can be inlined.
CREATE OR REPLACE FUNCTION engine.opened_result(p_item engine.intent_plan) RETURNS jsonb
LANGUAGE sql STABLE PARALLEL SAFE AS $$
  SELECT jsonb_build_object('code', 'OK', 'intent_id', p_item.intent_id,
    'client_order_id', p_item.client_order_id, 'fencing_token', p_item.fencing_token,
    'expires_at', p_item.expires_at, 'exchange_deadline', p_item.exchange_deadline,
    'quantity', trim_scale(p_item.quantity)::text, 'reserved', trim_scale(p_item.required)::text,
    'available', trim_scale(p_item.available)::text, 'spec_version', p_item.spec_version)
$$;
COMMENT ON FUNCTION engine.opened_result(engine.intent_plan) IS 'result of an opened intent';
REVOKE ALL ON FUNCTION engine.opened_result(engine.intent_plan) FROM PUBLIC;
