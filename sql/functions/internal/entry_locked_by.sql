-- The denial of an entry whose profile and symbol are locked: who holds it, and when it is resolved at the latest.
-- Locks and writes nothing; raises nothing. Without p_intent_id the holder was not visible: still retryable.
CREATE OR REPLACE FUNCTION engine.entry_locked_by(p_tenant_id uuid, p_intent_id uuid, p_expires_at timestamptz)
RETURNS jsonb
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  v_client_order_id text;
  v_state text;
BEGIN
  SELECT client_order_id, state INTO v_client_order_id, v_state FROM engine.intents
  WHERE tenant_id = p_tenant_id AND intent_id = p_intent_id;
  RETURN jsonb_build_object('code', 'ENTRY_LOCKED', 'client_order_id', v_client_order_id,
    'state', v_state, 'resolve_by', p_expires_at);
END $$;
COMMENT ON FUNCTION engine.entry_locked_by(uuid, uuid, timestamptz) IS 'denial by a held entry lock';
REVOKE ALL ON FUNCTION engine.entry_locked_by(uuid, uuid, timestamptz) FROM PUBLIC;
