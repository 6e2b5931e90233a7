-- Stores the hash of a robot's new key with its scopes and its end; the key itself never reaches the database.
-- p_scopes NULL: trade, cancel and read; p_expires_at NULL: never.
-- Locks the robot's row, so that keys are made one after the other. Writes robot_keys, outbox, audit.
-- Raises HF403 foreign tenant; HF404 no such robot; HF415 id or hash exists; HF422 the hash is not 32 bytes, a scope
-- is unknown, none is given, or it ends in the past; HF431 the robot has two living keys.
CREATE OR REPLACE FUNCTION engine.fn_create_robot_key(
    p_tenant_id uuid, p_key_id uuid, p_robot_id uuid, p_key_hash bytea, p_actor text,
    p_scopes text[] DEFAULT NULL, p_expires_at timestamptz DEFAULT NULL
)
RETURNS uuid
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
  v_now    timestamptz := engine.fn_clock();
  v_scopes text[] := coalesce(p_scopes, '{trade,cancel,read}');
  v_fact   jsonb := jsonb_build_object('robot_id', p_robot_id, 'key_id', p_key_id, 'scopes', v_scopes,
                                       'expires_at', p_expires_at);
BEGIN
  PERFORM engine.enter_tenant(p_tenant_id);
  IF length(p_key_hash) IS DISTINCT FROM 32 THEN
    PERFORM engine.refuse('HF422', 'a key hash has 32 bytes', jsonb_build_object('argument', 'key_hash'));
  END IF;
  IF v_scopes = '{}' OR NOT v_scopes <@ '{trade,cancel,read,manage}'::text[]
    OR array_position(v_scopes, NULL) IS NOT NULL OR p_expires_at <= v_now THEN
    PERFORM engine.refuse('HF422', 'scopes are trade, cancel, read and manage, at least one; a key ends in the future',
                          jsonb_build_object('scopes', v_scopes, 'expires_at', p_expires_at));
  END IF;
  PERFORM FROM engine.robots WHERE tenant_id = p_tenant_id AND robot_id = p_robot_id FOR NO KEY UPDATE;
  IF NOT FOUND THEN
    PERFORM engine.refuse('HF404', 'no such robot', jsonb_build_object('robot_id', p_robot_id));
  END IF;
  PERFORM engine.require_room_for_key(p_tenant_id, p_robot_id, v_now);
  INSERT INTO engine.robot_keys (tenant_id, key_id, robot_id, key_hash, created_at, scopes, expires_at)
    VALUES (p_tenant_id, p_key_id, p_robot_id, p_key_hash, v_now, v_scopes, p_expires_at) ON CONFLICT DO NOTHING;
  IF NOT FOUND THEN
    PERFORM engine.refuse('HF415', 'this key exists', jsonb_build_object('key_id', p_key_id));
  END IF;
  PERFORM engine.record_fact(p_tenant_id, NULL, 'robot.key_created', v_fact, v_now);
  PERFORM engine.record_audit(p_tenant_id, p_actor, 'create_robot_key', NULL, v_fact, v_now);
  RETURN p_key_id;
END
$$;
COMMENT ON FUNCTION engine.fn_create_robot_key IS
  'Stores a robot key''s hash; gives the key''s id.';
REVOKE ALL ON FUNCTION engine.fn_create_robot_key FROM PUBLIC;
GRANT EXECUTE ON FUNCTION engine.fn_create_robot_key TO holdfast_engine;
