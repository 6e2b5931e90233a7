-- The answer to a key that was used before: the intent's present state, or the denial stored with the key.
-- Locks and writes nothing; raises nothing; NULL if the key is not known. Sees what its caller's
-- statement sees, so a caller that has waited for the key calls it in a new statement.
CREATE OR REPLACE FUNCTION engine.replay_of(
  p_tenant_id uuid, p_robot_id uuid, p_key text, p_request_hash text
) RETURNS jsonb
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  v_found record;
BEGIN
  SELECT k.request_hash, k.denial, i.intent INTO v_found FROM engine.idempotency_keys k
  LEFT JOIN LATERAL (SELECT t AS intent FROM engine.intents t
    WHERE tenant_id = p_tenant_id AND intent_id = k.intent_id LIMIT 1) i ON true
  WHERE k.tenant_id = p_tenant_id AND k.robot_id = p_robot_id AND k.key = p_key;
  IF NOT FOUND THEN
    RETURN NULL;
  END IF;
  IF v_found.request_hash IS DISTINCT FROM p_request_hash THEN
    RETURN jsonb_build_object('code', 'IDEMPOTENCY_KEY_REUSED');
  END IF;
  IF v_found.denial IS NOT NULL THEN
    RETURN jsonb_build_object('code', 'REPLAY', 'denial', v_found.denial);
  END IF;
  RETURN jsonb_build_object('code', 'REPLAY', 'intent', engine.intent_view(v_found.intent));
END $$;
COMMENT ON FUNCTION engine.replay_of(uuid, uuid, text, text) IS 'answer to a key that was used before';
REVOKE ALL ON FUNCTION engine.replay_of(uuid, uuid, text, text) FROM PUBLIC;
