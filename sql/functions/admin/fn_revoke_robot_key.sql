-- Revokes a robot's key; a second call changes nothing. Locks the key's row. Writes robot_keys, outbox, audit.
-- Raises HF403 foreign tenant; HF404 no such key; HF422 no actor.
CREATE OR REPLACE FUNCTION engine.fn_revoke_robot_key(p_tenant_id uuid, p_key_id uuid, p_actor text)
RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
  v_now timestamptz := engine.fn_clock();
  v_key engine.robot_keys;
BEGIN
  PERFORM engine.enter_tenant(p_tenant_id);
  SELECT * INTO v_key FROM engine.robot_keys WHERE tenant_id = p_tenant_id AND key_id = p_key_id FOR NO KEY UPDATE;
  IF NOT FOUND THEN
    PERFORM engine.refuse('HF404', 'no such key', jsonb_build_object('key_id', p_key_id));
  END IF;
  IF v_key.revoked_at IS NOT NULL THEN
    RETURN false;
  END IF;
  UPDATE engine.robot_keys SET revoked_at = v_now WHERE tenant_id = p_tenant_id AND key_id = p_key_id;
  PERFORM engine.record_fact(p_tenant_id, NULL, 'robot.key_revoked',
                             jsonb_build_object('robot_id', v_key.robot_id, 'key_id', p_key_id), v_now);
  PERFORM engine.record_audit(p_tenant_id, p_actor, 'revoke_robot_key', NULL,
                              jsonb_build_object('robot_id', v_key.robot_id, 'key_id', p_key_id), v_now);
  RETURN true;
END
$$;
COMMENT ON FUNCTION engine.fn_revoke_robot_key IS
  'Revokes a robot key; false if it was revoked before.';
REVOKE ALL ON FUNCTION engine.fn_revoke_robot_key FROM PUBLIC;
GRANT EXECUTE ON FUNCTION engine.fn_revoke_robot_key TO holdfast_engine;
