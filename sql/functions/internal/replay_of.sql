-- The answer to a key that was used before: the intent's present state, or the denial stored with the key.
-- Locks and writes nothing; raises nothing; NULL if the key is not known. Sees what its caller's
-- statement sees, so a caller that has waited for the key calls it in a new statement.
CREATE OR REPLACE FUNCTION engine.replay_of(
  p_tenant_id uuid, p_robot_id uuid, p_key text, p_request_hash text
) RETURNS jsonb
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  v_intent engine.intents;
  v_denied engine.denials;
BEGIN
  SELECT * INTO v_intent FROM engine.intents
  WHERE tenant_id = p_tenant_id AND robot_id = p_robot_id AND idempotency_key = p_key;
  IF FOUND THEN
    RETURN engine.replayed_intent(v_intent, p_request_hash);
  END IF;
  SELECT * INTO v_denied FROM engine.denials
  WHERE tenant_id = p_tenant_id AND robot_id = p_robot_id AND key = p_key;
  IF NOT FOUND THEN
    RETURN NULL;
  ELSIF v_denied.request_hash IS DISTINCT FROM p_request_hash THEN
    RETURN jsonb_build_object('code', 'IDEMPOTENCY_KEY_REUSED');
  END IF;
  RETURN jsonb_build_object('code', 'REPLAY', 'denial', v_denied.denial);
END $$;
COMMENT ON FUNCTION engine.replay_of(uuid, uuid, text, text) IS 'answer to a key that was used before';
REVOKE ALL ON FUNCTION engine.replay_of(uuid, uuid, text, text) FROM PUBLIC;
