-- The result of an intent that was opened.
-- Locks, writes and raises nothing. No SET clause: pg_catalog only, so that it can be inlined.
CREATE OR REPLACE FUNCTION engine.opened_result(
  p_intent_id uuid, p_client_order_id text, p_fencing_token bigint, p_expires_at timestamptz,
  p_exchange_deadline timestamptz, p_quantity numeric, p_required numeric, p_available numeric,
  p_spec_version integer
) RETURNS jsonb
LANGUAGE sql STABLE PARALLEL SAFE AS $$
  SELECT jsonb_build_object('code', 'OK', 'intent_id', p_intent_id, 'client_order_id', p_client_order_id,
    'fencing_token', p_fencing_token, 'expires_at', p_expires_at, 'exchange_deadline', p_exchange_deadline,
    'quantity', trim_scale(p_quantity)::text, 'reserved', trim_scale(p_required)::text,
    'available', trim_scale(p_available)::text, 'spec_version', p_spec_version)
$$;
COMMENT ON FUNCTION engine.opened_result(uuid, text, bigint, timestamptz, timestamptz, numeric, numeric, numeric,
  integer) IS 'result of an opened intent';
REVOKE ALL ON FUNCTION engine.opened_result(uuid, text, bigint, timestamptz, timestamptz, numeric, numeric, numeric,
  integer) FROM PUBLIC;
